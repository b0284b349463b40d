// A square canvas that shows a picture about its centre, turned while its slider moves.

const LARGEST = 1200; // px

/** A stage for a photograph of a size: show(picture), then preview(degrees). */
export function makeStage(canvas, { width, height }) {
  const side = Math.max(width, height);
  canvas.width = canvas.height = Math.min(side, LARGEST);
  const context = canvas.getContext("2d");
  const scale = canvas.width / side;
  let bitmap = null;

  function preview(degrees) {
    context.resetTransform();
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.translate(canvas.width / 2, canvas.height / 2);
    context.rotate((degrees * Math.PI) / 180);
    context.scale(scale, scale);
    if (bitmap) context.drawImage(bitmap, -bitmap.width / 2, -bitmap.height / 2);
  }

  async function show(picture) {
    const made = await createImageBitmap(picture);
    bitmap?.close();
    bitmap = made;
    preview(0);
  }

  return { preview, show };
}
