// From a file to pixels: as they are stored, without colour management and without the turn that EXIF asks for.

const MOST_PIXELS = 50e6;
const READ = "JPEG, PNG, WebP, BMP and GIF";

/** Decode a file; an ImageData. Throws a sentence for what this browser can't read. */
export async function readPhotograph(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, {
      colorSpaceConversion: "none",
      imageOrientation: "none",
      premultiplyAlpha: "none",
    });
  } catch {
    throw new Error(
      `it is not a picture that this browser reads (${READ}). For TIFF, DICOM and others install sre-monai ` +
        "and run “sre-monai segment FOLDER OUT”",
    );
  }
  const { width, height } = bitmap;
  if (width * height > MOST_PIXELS) {
    throw new Error(`it has ${Math.round((width * height) / 1e6)} megapixels; up to ${MOST_PIXELS / 1e6} are read here`);
  }
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return darkWhereTransparent(context.getImageData(0, 0, width, height));
}

/** Wholly transparent pixels are black, so that they lie outside the field of view; the result is opaque. */
function darkWhereTransparent(photograph) {
  const { data } = photograph;
  for (let i = 3; i < data.length; i += 4) {
    if (data[i] === 0) data.fill(0, i - 3, i);
    data[i] = 255;
  }
  return photograph;
}
