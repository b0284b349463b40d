// A photograph as the network sees it, by the steps of the bundle's inference.json from `crop` to `local_contrast`, and the
// way back onto the photograph's own pixels. Maps are {width, height, data}; images are lists of three of them.

import { feretDiameter } from "./diameter.js";
import { normalizeLocally } from "./local_contrast.js";
import { resample, resampleMask, roundHalfEven } from "./resample.js";

const MARGIN = 0.1; // of the diameter of the field of view, kept around it
const TOLERANCE = 0.1; // within which a photograph is not resampled

/** Prepare an ImageData; {image, scale, restore}: `scale` of the image's pixels for one of the photograph's;
 * restore(map) puts a map of the image's size back onto the photograph. */
export function prepare(photograph, field, { working_diameter, largest_diameter }) {
  const box = cropBox(field);
  const cropped = cut(field, box);
  const largest = scaledSize(cropped, largest_diameter, 0, false);
  const kept = toSize(cropped, largest, resampleMask);
  const normalized = channels(photograph, box).map((colour) => normalize(toSize(colour, largest, resample), kept));
  const working = scaledSize(kept, working_diameter, TOLERANCE, true);
  const inside = toSize(kept, working, resampleMask);
  const image = normalized.map((colour) => normalizeLocally(toSize(colour, working, resample), inside));
  const lookUp = (map, width, height) => resample(map, width, height, false);
  const restore = (map) => paste(toSize(toSize(map, largest, lookUp), cropped, lookUp), box, field);
  return { image, scale: working.width / cropped.width, restore };
}

/** The bounding box of the field of view with a margin, cut at the border of the photograph. */
function cropBox(field) {
  const { width, height, data } = field;
  let [left, right, top, bottom] = [width, 0, height, 0];
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width, (y + 1) * width);
    const first = row.indexOf(1);
    if (first < 0) continue;
    left = Math.min(left, first);
    right = Math.max(right, row.lastIndexOf(1) + 1);
    top = Math.min(top, y);
    bottom = y + 1;
  }
  const margin = roundHalfEven(MARGIN * feretDiameter(field));
  return {
    left: Math.max(0, left - margin),
    right: Math.min(width, right + margin),
    top: Math.max(0, top - margin),
    bottom: Math.min(height, bottom + margin),
  };
}

function cut(map, { left, right, top, bottom }) {
  const [width, height] = [right - left, bottom - top];
  const data = new map.data.constructor(width * height);
  for (let y = 0; y < height; y++) {
    const start = (top + y) * map.width + left;
    data.set(map.data.subarray(start, start + width), y * width);
  }
  return { width, height, data };
}

function paste(map, { left, top }, { width, height }) {
  const data = new Float32Array(width * height);
  for (let y = 0; y < map.height; y++) {
    data.set(map.data.subarray(y * map.width, (y + 1) * map.width), (top + y) * width + left);
  }
  return { width, height, data };
}

function channels({ width, height, data }, box) {
  return [0, 1, 2].map((index) => {
    const values = new Uint8Array(width * height);
    for (let i = 0; i < values.length; i++) values[i] = data[4 * i + index];
    return cut({ width, height, data: values }, box);
  });
}

/** The size at which a field of view has a diameter. */
function scaledSize(field, diameter, tolerance, enlarge) {
  let scale = diameter / feretDiameter(field);
  if (Math.abs(1 / scale - 1) <= tolerance || (scale > 1 && !enlarge)) scale = 1;
  const [width, height] = [field.width, field.height].map((n) => Math.max(1, roundHalfEven(n * scale)));
  return { width, height };
}

function toSize(map, { width, height }, resampler) {
  return map.width === width && map.height === height ? map : resampler(map, width, height);
}

/** Give a channel zero mean and unit standard deviation inside the field of view, and zero outside. */
function normalize({ width, height, data }, { data: inside }) {
  let [count, sum] = [0, 0];
  for (let i = 0; i < data.length; i++) if (inside[i]) { count++; sum += data[i]; }
  const mean = sum / count;
  let squares = 0;
  for (let i = 0; i < data.length; i++) if (inside[i]) squares += (data[i] - mean) ** 2;
  const spread = Math.sqrt(squares / count);
  const result = new Float32Array(data.length);
  if (spread > 0) for (let i = 0; i < data.length; i++) if (inside[i]) result[i] = (data[i] - mean) / spread;
  return { width, height, data: result };
}
