// The main figures of the command's report, by the same names.

import { feretDiameter } from "./diameter.js";
import { skeletonLength } from "./skeleton.js";

/**
 * Measure vessels: masks of vessels and field and the probability of a vessel on the photograph's own pixels; the
 * probability at the resolution of the network (working), `scale` of its pixels for one of the photograph's.
 */
export function measure({ vessels, field, probability, working, scale, threshold }) {
  const area = count(field.data);
  const atWork = { ...working, data: Uint8Array.from(working.data, (value) => value >= threshold) };
  return {
    width: field.width,
    height: field.height,
    fov_diameter_px: feretDiameter(field),
    vessel_density: count(vessels.data) / area,
    skeleton_length_px: Math.round(skeletonLength(atWork) / scale),
    mean_probability: probability.data.reduce((sum, value, i) => sum + value * field.data[i], 0) / area,
  };
}

function count(data) {
  return data.reduce((sum, value) => sum + value, 0);
}
