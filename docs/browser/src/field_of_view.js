// The field of view: the bright disc of a fundus photograph on its dark border, as
// sre_monai.retina.estimate_field_of_view finds it.

import { erodeDisc } from "./erosion.js";
import { fillHoles, inverted, largeRegions } from "./regions.js";
import { resample, resampleMask, roundHalfEven } from "./resample.js";

const PERCENTILES = [95, 99.9]; // the bright part of the retina; of a tiny field of view
const DARK_FRACTION = 0.15;
const ROUNDING = 1e-5;
const LARGEST_SIDE = 640; // px, of the shorter side
const SAMPLE_SIDE = 256;
const OPENING_RADIUS = 0.03; // of the shorter side
const LEAST_FIELD = 0.1; // of the area of the largest

/** Find the field of view of an ImageData; a mask {width, height, data} of 0 and 1. Throws a sentence if there is none. */
export function fieldOfView(photograph) {
  const { width, height } = photograph;
  const scale = LARGEST_SIDE / Math.min(width, height);
  if (scale >= 1) return estimate([0, 1, 2].map((index) => channel(photograph, index)));
  const sample = centredSample(photograph, SAMPLE_SIDE);
  const brightest = argmax(brightness([0, 1, 2].map((index) => channel(sample, index)))[0]);
  const small = resample(channel(photograph, brightest), roundHalfEven(width * scale), roundHalfEven(height * scale));
  return resampleMask(estimate([small]), width, height);
}

function estimate(channels) {
  const levels = brightness(channels).filter((bright) => hasContrast(channels[argmax(bright)].data, Math.max(...bright)));
  if (!levels.length) throw new Error("the picture is blank: it has no field of view");
  for (const bright of levels) {
    const { width, height, data } = channels[argmax(bright)];
    const level = (DARK_FRACTION + ROUNDING) * Math.max(...bright);
    const mask = { width, height, data: Uint8Array.from(data, (value) => value > level) };
    const fields = mask.data.includes(0) ? largeFields(mask) : mask;
    if (fields.data.includes(1)) return fields;
  }
  throw new Error("there is no large bright region on a dark border: it does not look like a fundus photograph");
}

/** Open by a disc and keep the large regions, without holes. */
function largeFields(mask) {
  const radius = OPENING_RADIUS * Math.min(mask.width, mask.height);
  const core = erodeDisc(mask, radius);
  if (!core.data.includes(1)) return core;
  return fillHoles(largeRegions(inverted(erodeDisc(inverted(core), radius)), LEAST_FIELD));
}

/** How bright the bright pixels of each channel are, by both percentiles; the second first where the first is dark. */
function brightness(channels) {
  const sorted = channels.map(({ data }) => data.slice().sort());
  const [usual, tiny] = PERCENTILES.map((percent) => sorted.map((values) => percentile(values, percent)));
  return Math.max(...usual) > DARK_FRACTION * Math.max(...tiny) ? [usual, tiny] : [tiny, usual];
}

function percentile(sorted, percent) {
  const at = ((sorted.length - 1) * percent) / 100;
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

function hasContrast(data, bright) {
  let least = Infinity;
  let greatest = -Infinity;
  for (const value of data) {
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  return bright > 0 && greatest - least > ROUNDING * bright;
}

function argmax(values) {
  return values.indexOf(Math.max(...values));
}

/** One colour of an ImageData as a map. */
function channel({ width, height, data }, index) {
  const values = new Uint8Array(width * height);
  for (let i = 0; i < values.length; i++) values[i] = data[4 * i + index];
  return { width, height, data: values };
}

/** Every third pixel along both axes, or every fifth and so on, symmetrically about the centre. */
function centredSample({ width, height, data }, leastSide) {
  let step = Math.max(1, Math.floor(Math.min(width, height) / leastSide));
  step -= 1 - (step % 2);
  const first = (n) => Math.floor((n - 1 + step * (1 - (n % 2))) / 2) % step;
  const columns = [];
  for (let x = first(width); x < width; x += step) columns.push(x);
  const rows = [];
  for (let y = first(height); y < height; y += step) rows.push(y);
  const sample = new Uint8Array(4 * columns.length * rows.length);
  rows.forEach((y, row) => columns.forEach((x, column) => {
    const from = 4 * (y * width + x);
    sample.set(data.subarray(from, from + 4), 4 * (row * columns.length + column));
  }));
  return { width: columns.length, height: rows.length, data: sample };
}
