// A photograph and a mask, turned about the centre: by pixels for quarter turns, else by interpolation.

/** Turn a photograph clockwise; the corners that appear are black. An ImageData that holds it whole. */
export function turnPhotograph(photograph, degrees) {
  const source = new OffscreenCanvas(photograph.width, photograph.height);
  source.getContext("2d").putImageData(photograph, 0, 0);
  return drawTurned(source, degrees, "#000");
}

/** Turn a mask {width, height, data} likewise, cut at one half. */
export function turnMask(mask, degrees) {
  const source = new OffscreenCanvas(mask.width, mask.height);
  const picture = new ImageData(mask.width, mask.height);
  new Uint32Array(picture.data.buffer).set(Uint32Array.from(mask.data, (value) => (value ? 0xffffffff : 0xff000000)));
  source.getContext("2d").putImageData(picture, 0, 0);
  const { width, height, data } = drawTurned(source, degrees, "#000");
  const turned = new Uint8Array(width * height);
  for (let i = 0; i < turned.length; i++) turned[i] = data[4 * i] >= 128 ? 1 : 0;
  return { width, height, data: turned };
}

/** Dice's coefficient of two masks, and the number of pixels in which they differ. */
export function compare(a, b) {
  let [both, sum, different] = [0, 0, 0];
  for (let i = 0; i < a.data.length; i++) {
    both += a.data[i] & b.data[i];
    sum += a.data[i] + b.data[i];
    different += a.data[i] ^ b.data[i];
  }
  return { dice: sum ? (2 * both) / sum : 1, different };
}

function drawTurned(source, degrees, background) {
  const angle = (degrees * Math.PI) / 180;
  const quarters = degrees % 90 === 0;
  const [cos, sin] = quarters ? [Math.round(Math.cos(angle)), Math.round(Math.sin(angle))] : [Math.cos(angle), Math.sin(angle)];
  const width = Math.ceil(Math.abs(cos) * source.width + Math.abs(sin) * source.height - 1e-6);
  const height = Math.ceil(Math.abs(sin) * source.width + Math.abs(cos) * source.height - 1e-6);
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = !quarters;
  context.imageSmoothingQuality = "high";
  context.fillStyle = background;
  context.fillRect(0, 0, width, height);
  const [x, y] = [source.width / 2, source.height / 2];
  context.setTransform(cos, sin, -sin, cos, width / 2 - cos * x + sin * y, height / 2 - sin * x - cos * y);
  context.drawImage(source, 0, 0);
  return context.getImageData(0, 0, width, height);
}
