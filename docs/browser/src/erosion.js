// Erosion of masks {width, height, data} of 0 and 1.

/** Keep the pixels that have none outside within a distance; beyond the border is inside. */
export function erodeDisc({ width, height, data }, radius) {
  const reach = Math.floor(radius);
  const vertical = distanceDown(width, height, data, reach + 1);
  const core = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let inside = 1;
      for (let step = -reach; inside && step <= reach; step++) {
        const column = x + step;
        if (column < 0 || column >= width) continue;
        const distance = vertical[y * width + column];
        if (distance <= reach && distance * distance + step * step <= radius * radius) inside = 0;
      }
      core[y * width + x] = inside;
    }
  }
  return { width, height, data: core };
}

/** Keep the pixels whose neighbours up to a distance along axes and diagonals are all inside; beyond the border is outside. */
export function erodeSquare({ width, height, data }, radius) {
  const rows = new Uint8Array(data.length);
  const core = new Uint8Array(data.length);
  const shrink = (from, to, length, count, along, across) => {
    for (let line = 0; line < count; line++) {
      let run = 0;
      for (let i = 0; i < length; i++) {
        run = from[line * across + i * along] ? run + 1 : 0;
        if (run > 2 * radius) to[line * across + (i - radius) * along] = 1;
      }
    }
  };
  shrink(data, rows, width, height, 1, width);
  shrink(rows, core, height, width, width, 1);
  return { width, height, data: core };
}

/** Distance of each pixel to the nearest one outside in its column, up to a limit. */
function distanceDown(width, height, data, limit) {
  const distance = new Int32Array(data.length).fill(limit);
  for (let x = 0; x < width; x++) {
    for (const [start, end, step] of [[0, height, 1], [height - 1, -1, -1]]) {
      let run = limit;
      for (let y = start; y !== end; y += step) {
        const i = y * width + x;
        run = data[i] ? Math.min(run + 1, limit) : 0;
        distance[i] = Math.min(distance[i], run);
      }
    }
  }
  return distance;
}
