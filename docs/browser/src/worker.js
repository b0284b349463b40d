/* global BUNDLE: build.js puts in the settings of the bundle. */
// A photograph's way to its vessels, away from the page's own thread so that it stays responsive.

import { fieldOfView } from "./field_of_view.js";
import { measure } from "./measures.js";
import { loadNetwork } from "./network.js";
import { prepare } from "./prepare.js";
import { inWindows } from "./windows.js";

self.onmessage = async ({ data: { id, photograph } }) => {
  const report = (stage, fraction = null) => self.postMessage({ id, stage, fraction });
  try {
    const network = await loadNetwork((fraction) => report("Loading the network", fraction));
    const result = photograph ? await segment(photograph, network, report) : { processor: network.processor };
    self.postMessage({ id, result });
  } catch (error) {
    self.postMessage({ id, problem: String(error?.message ?? error) });
  }
};

async function segment(photograph, network, report) {
  const start = performance.now();
  report("Finding the field of view");
  const field = fieldOfView(photograph);
  report("Preparing");
  const prepared = prepare(photograph, field, BUNDLE);
  const working = await inWindows(prepared.image, BUNDLE.window_size, network.run, (fraction) => report("Segmenting", fraction));
  report("Measuring");
  const probability = prepared.restore(working);
  const isVessel = (inside, i) => inside && probability.data[i] >= BUNDLE.threshold;
  const vessels = { ...field, data: Uint8Array.from(field.data, isVessel) };
  const measures = measure({ vessels, field, probability, working, scale: prepared.scale, threshold: BUNDLE.threshold });
  return { field, vessels, measures, seconds: (performance.now() - start) / 1000, processor: network.processor };
}
