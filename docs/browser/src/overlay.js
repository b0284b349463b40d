// Masks as pictures: white on black, and drawn over the photograph in the colours of sre_monai.retina.vessel_overlay.

import { erodeSquare } from "./erosion.js";

const CYAN = [0, 229, 255];
const WHITE = [255, 255, 255];
const TINT = 0.55;
const OUTLINE = 0.8;
const OUTLINES_PER_IMAGE = 400;

/** Vessels in white on black, an ImageData. */
export function maskPicture({ width, height, data }) {
  const picture = new ImageData(width, height);
  new Uint32Array(picture.data.buffer).set(Uint32Array.from(data, (value) => (value ? 0xffffffff : 0xff000000)));
  return picture;
}

/** The photograph with its vessels tinted and its field of view outlined, an ImageData. */
export function overlayPicture(photograph, vessels, field) {
  const picture = new ImageData(photograph.data.slice(), photograph.width);
  paint(picture, vessels.data, CYAN, TINT);
  const thickness = Math.max(1, Math.round(Math.min(field.width, field.height) / OUTLINES_PER_IMAGE));
  const inner = erodeSquare(field, thickness).data;
  paint(picture, field.data.map((value, i) => value & ~inner[i] & 1), WHITE, OUTLINE);
  return picture;
}

function paint({ data }, region, color, opacity) {
  for (let i = 0; i < region.length; i++) {
    if (!region[i]) continue;
    for (let c = 0; c < 3; c++) data[4 * i + c] += opacity * (color[c] - data[4 * i + c]);
  }
}
