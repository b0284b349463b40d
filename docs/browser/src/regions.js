// Connected regions of masks {width, height, data}: pixels that share an edge.

/** Number the regions from 1; {labels, areas, onBorder}, the latter two by number. */
export function labelRegions({ width, height, data }) {
  const labels = new Int32Array(data.length);
  const areas = [0];
  const onBorder = [false];
  const stack = [];
  for (let seed = 0; seed < data.length; seed++) {
    if (!data[seed] || labels[seed]) continue;
    const number = areas.length;
    let area = 0;
    let border = false;
    const visit = (i) => {
      if (data[i] && !labels[i]) {
        labels[i] = number;
        stack.push(i);
      }
    };
    visit(seed);
    while (stack.length) {
      const i = stack.pop();
      const x = i % width;
      area++;
      if (x > 0) visit(i - 1); else border = true;
      if (x < width - 1) visit(i + 1); else border = true;
      if (i >= width) visit(i - width); else border = true;
      if (i < data.length - width) visit(i + width); else border = true;
    }
    areas.push(area);
    onBorder.push(border);
  }
  return { labels, areas, onBorder };
}

/** Keep the regions of at least a fraction of the largest one's area. */
export function largeRegions(mask, fraction) {
  const { labels, areas } = labelRegions(mask);
  const least = fraction * areas.reduce((a, b) => Math.max(a, b), 0);
  return { ...mask, data: Uint8Array.from(labels, (label) => label > 0 && areas[label] >= least) };
}

/** Fill the holes: what is outside and reaches no border. */
export function fillHoles(mask) {
  const { labels, onBorder } = labelRegions(inverted(mask));
  return { ...mask, data: Uint8Array.from(labels, (label) => label === 0 || !onBorder[label]) };
}

/** What is outside. */
export function inverted(mask) {
  return { ...mask, data: mask.data.map((value) => 1 - value) };
}
