// Local contrast, as sre_monai.retina.LocalContrastNormalizationd normalises it: mean and spread about each pixel, under a
// Gaussian window, on a coarse grid.

import { resample, roundHalfEven } from "./resample.js";

const WINDOW = 0.04; // standard deviation of the window, of the longer side of the field of view
const CELLS = 64; // of the grid across it
const FLOOR = 0.1; // of the average local spread
const TRUNCATE = 4;

/** Normalise a channel {width, height, data} inside a mask; zero outside. */
export function normalizeLocally({ width, height, data }, { data: inside }) {
  const extent = longerSide(width, height, inside);
  const cell = Math.max(1, extent / CELLS);
  const grid = [width, height].map((n) => Math.max(1, roundHalfEven(n / cell)));
  const windowMean = (map) => blur(average(map, width, height, ...grid), ...grid, (WINDOW * extent) / cell);
  const enlarge = (values) => resample({ width: grid[0], height: grid[1], data: values }, width, height, false).data;

  const centre = meanInside(data, inside);
  const x = Float64Array.from(data, (value, i) => (inside[i] ? value - centre : 0));
  const weight = windowMean(inside).map((value) => Math.max(value, 1.1754943508222875e-38));
  const mean = windowMean(x).map((value, i) => value / weight[i]);
  const squares = windowMean(x.map((value) => value * value));
  const spread = enlarge(mean.map((value, i) => Math.sqrt(Math.max(0, squares[i] / weight[i] - value * value))));
  const level = enlarge(mean);
  const typical = meanInside(spread, inside);
  const result = new Float32Array(data.length);
  if (typical > 0) {
    for (let i = 0; i < result.length; i++) if (inside[i]) result[i] = (x[i] - level[i]) / (spread[i] + FLOOR * typical);
  }
  return { width, height, data: result };
}

/** Number of columns or of rows that the mask reaches, whichever is greater. */
function longerSide(width, height, inside) {
  const [columns, rows] = [new Uint8Array(width), new Uint8Array(height)];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) if (inside[i]) columns[x] = rows[y] = 1;
  }
  return Math.max(...[columns, rows].map((line) => line.reduce((sum, value) => sum + value, 0)));
}

function meanInside(values, inside) {
  let [count, sum] = [0, 0];
  for (let i = 0; i < values.length; i++) if (inside[i]) { count++; sum += values[i]; }
  return sum / count;
}

/** Means of the cells of a grid, which may overlap by a pixel. */
function average(values, width, height, across, down) {
  const cells = new Float64Array(across * down);
  for (let row = 0; row < down; row++) {
    const [top, bottom] = span(row, height, down);
    for (let column = 0; column < across; column++) {
      const [left, right] = span(column, width, across);
      let sum = 0;
      for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += values[y * width + x];
      cells[row * across + column] = sum / ((bottom - top) * (right - left));
    }
  }
  return cells;
}

function span(index, n, count) {
  return [Math.floor((index * n) / count), Math.ceil(((index + 1) * n) / count)];
}

/** Gaussian filter; beyond the border is zero. */
function blur(values, width, height, sigma) {
  const reach = Math.floor(TRUNCATE * sigma + 0.5);
  const kernel = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-0.5 * ((i - reach) / sigma) ** 2));
  const total = kernel.reduce((sum, value) => sum + value, 0);
  const along = (from, length, count, step, stride) => {
    const to = new Float64Array(from.length);
    for (let line = 0; line < count; line++) {
      for (let i = 0; i < length; i++) {
        let sum = 0;
        for (let j = Math.max(0, i - reach); j <= Math.min(length - 1, i + reach); j++) {
          sum += kernel[j - i + reach] * from[line * stride + j * step];
        }
        to[line * stride + i * step] = sum / total;
      }
    }
    return to;
  };
  return along(along(values, width, height, 1, width), height, width, width, 1);
}
