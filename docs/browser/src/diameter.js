// The diameter of a field of view: the largest distance between two corners of its pixels.

/** Largest Feret diameter in pixels of a mask {width, height, data}. */
export function feretDiameter(mask) {
  const hull = convexHull(corners(mask));
  let longest = 0;
  for (const [x, y] of hull) for (const [u, v] of hull) longest = Math.max(longest, (x - u) ** 2 + (y - v) ** 2);
  return Math.sqrt(longest);
}

/** The outer corners of the first and last pixel of each row, sorted by row. */
function corners({ width, height, data }) {
  const found = [];
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width, (y + 1) * width);
    const first = row.indexOf(1);
    if (first < 0) continue;
    const last = row.lastIndexOf(1) + 1;
    found.push([first, y], [last, y], [first, y + 1], [last, y + 1]);
  }
  return found.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
}

/** Andrew's monotone chain (1979), of points sorted by x, then y. */
function convexHull(points) {
  const half = (ordered) => {
    const chain = [];
    for (const point of ordered) {
      while (chain.length > 1 && turn(chain.at(-2), chain.at(-1), point) <= 0) chain.pop();
      chain.push(point);
    }
    return chain.slice(0, -1);
  };
  return [...half(points), ...half(points.slice().reverse())];
}

function turn([ax, ay], [bx, by], [cx, cy]) {
  return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
}
