// Windows of a large image, placed and weighted symmetrically about its centre, as
// sre_monai.inferers.SymmetricSlidingWindowInferer does it.

const OVERLAP = 0.25;
const SIGMA = 0.125; // of a window's weight, as a fraction of its side
const LEAST_WEIGHT = 1e-3;

/**
 * Probability of a vessel for an image (a list of maps), window by window.
 * run(values, width, height) gives the logits of background and vessel; report(fraction) follows.
 */
export async function inWindows(image, side, run, report) {
  const { width, height } = image[0];
  const [across, down] = [Math.min(side, width), Math.min(side, height)];
  const corners = starts(height, down).flatMap((top) => starts(width, across).map((left) => [left, top]));
  const weights = [windowWeight(across), windowWeight(down)];
  const total = new Float64Array(width * height);
  const difference = new Float64Array(width * height); // of the logits
  for (const [number, [left, top]] of corners.entries()) {
    report(number / corners.length);
    const logits = await run(cut(image, left, top, across, down), across, down);
    for (let y = 0; y < down; y++) {
      for (let x = 0; x < across; x++) {
        const weight = Math.max(LEAST_WEIGHT, weights[0][x] * weights[1][y]);
        const [from, to] = [y * across + x, (top + y) * width + left + x];
        total[to] += weight;
        difference[to] += weight * (logits[across * down + from] - logits[from]);
      }
    }
  }
  return { width, height, data: Float32Array.from(total, (weight, i) => 1 / (1 + Math.exp(-difference[i] / weight))) };
}

/** First pixels of the windows along an axis. */
function starts(size, side) {
  const span = size - side;
  if (span === 0) return [0];
  let steps = Math.ceil(span / Math.floor(side * (1 - OVERLAP)));
  if (steps % 2 === 0 && span % 2 === 1) steps++;
  const half = Array.from({ length: Math.floor((steps + 1) / 2) }, (_, i) => Math.ceil((i * span) / steps));
  return [...half, ...(steps % 2 ? [] : [span / 2]), ...half.map((start) => span - start).reverse()];
}

function windowWeight(side) {
  return Float64Array.from({ length: side }, (_, i) => Math.exp(-0.5 * ((i - (side - 1) / 2) / (SIGMA * side)) ** 2));
}

function cut(image, left, top, width, height) {
  const values = new Float32Array(image.length * width * height);
  image.forEach((channel, index) => {
    for (let y = 0; y < height; y++) {
      const start = (top + y) * channel.width + left;
      values.set(channel.data.subarray(start, start + width), (index * height + y) * width);
    }
  });
  return values;
}
