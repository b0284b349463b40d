// The worker behind a call: one photograph at a time, in the order of the calls.

const worker = new Worker("worker.js", { type: "module" });
const calls = new Map();
let count = 0;
let last = Promise.resolve();

worker.onmessage = ({ data: { id, result, problem, stage, fraction } }) => {
  const call = calls.get(id);
  if (stage) return call.report(stage, fraction);
  calls.delete(id);
  if (result) call.resolve(result);
  else call.reject(new Error(problem));
};
worker.onerror = (event) => {
  for (const call of calls.values()) call.reject(new Error(event.message || "this browser can't run the network"));
  calls.clear();
};

/** Load what segmenting needs. */
export function load(report) {
  return segment(null, report);
}

/** Segment an ImageData; report(stage, fraction or null) follows the progress. */
export function segment(photograph, report) {
  const next = last.then(() => new Promise((resolve, reject) => {
    const id = ++count;
    calls.set(id, { resolve, reject, report });
    worker.postMessage({ id, photograph });
  }));
  last = next.catch(() => {});
  return next;
}
