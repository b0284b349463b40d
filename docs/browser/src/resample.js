// Resampling by one weighted mean per axis, as sre_monai.transforms.resample does it: a Gaussian against aliasing and
// linear interpolation in one, summed in float64.

const TRUNCATE = 4; // standard deviations at which the Gaussian is cut
const TIE = 1e-6; // ties fall to the mask

/** Resample a map of one channel; {width, height, data} in, the same out, Float32Array. */
export function resample(image, width, height, smooth = true) {
  return { width, height, data: resampled(image, width, height, smooth, Float32Array, (value) => value) };
}

/** Resample a mask of 0 and 1, cut at one half. */
export function resampleMask(mask, width, height, smooth = true) {
  return { width, height, data: resampled(mask, width, height, smooth, Uint8Array, (value) => value > 0.5 - TIE) };
}

function resampled({ width, height, data }, newWidth, newHeight, smooth, Type, last) {
  const across = weights(width, newWidth, smooth);
  const down = weights(height, newHeight, smooth);
  const between = new Float64Array(newWidth * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < newWidth; x++) {
      let sum = 0;
      for (let i = across.starts[x]; i < across.starts[x + 1]; i++) {
        sum += across.values[i] * data[y * width + across.pixels[i]];
      }
      between[y * newWidth + x] = sum;
    }
  }
  const result = new Type(newWidth * newHeight);
  const row = new Float64Array(newWidth);
  for (let y = 0; y < newHeight; y++) {
    row.fill(0);
    for (let i = down.starts[y]; i < down.starts[y + 1]; i++) {
      const [from, weight] = [down.pixels[i] * newWidth, down.values[i]];
      for (let x = 0; x < newWidth; x++) row[x] += weight * between[from + x];
    }
    for (let x = 0; x < newWidth; x++) result[y * newWidth + x] = last(row[x]);
  }
  return result;
}

/** Weights that make m pixels of n: those of pixel j are values[starts[j]..starts[j + 1]], of the old `pixels`. */
function weights(n, m, smooth) {
  const sigma = smooth ? Math.max(0, (n / m - 1) / 2) : 0;
  const reach = Math.floor(TRUNCATE * sigma + 0.5);
  const kernel = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-0.5 * ((i - reach) / Math.max(sigma, 1e-9)) ** 2));
  const total = kernel.reduce((sum, value) => sum + value, 0);
  const [starts, pixels, values] = [[0], [], []];
  for (let pixel = 0; pixel < m; pixel++) {
    const at = Math.min(Math.max(((pixel + 0.5) * n) / m - 0.5, 0), n - 1);
    const left = Math.min(Math.floor(at), Math.max(n - 2, 0));
    const share = at - left;
    for (let i = -reach; i <= reach + 1; i++) { // the kernel about the left pixel and about the next
      const weight = (kernel[i + reach] ?? 0) * (1 - share) + (kernel[i + reach - 1] ?? 0) * share;
      if (!weight) continue;
      pixels.push(Math.min(Math.max(left + i, 0), n - 1)); // beyond the edge its pixel is repeated
      values.push(weight / total);
    }
    starts.push(pixels.length);
  }
  return { starts: Int32Array.from(starts), pixels: Int32Array.from(pixels), values: Float64Array.from(values) };
}

/** Round halves to the even number, as Python does. */
export function roundHalfEven(value) {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 ? floor + 1 : floor;
}
