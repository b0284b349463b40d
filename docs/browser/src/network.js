// The exported network, run by ONNX Runtime: on a GPU by WebGPU where the browser has it, else by WebAssembly with SIMD and
// as many threads as it allows.

const MODEL = "network.onnx";
const RUNTIMES = {
  gpu: { script: "./ort.webgpu.min.mjs", binary: "ort-wasm-simd-threaded.asyncify.wasm", providers: ["webgpu", "wasm"] },
  processor: { script: "./ort.wasm.min.mjs", binary: "ort-wasm-simd-threaded.wasm", providers: ["wasm"] },
};
const MOST_THREADS = 8;
let loading = null;

/** Load the network once; {run, processor}. report(fraction) follows the download. */
export function loadNetwork(report) {
  loading ??= load(report).catch((error) => {
    loading = null;
    throw new Error(`the network could not be loaded (${error.message}): reload the page while connected`);
  });
  return loading;
}

async function load(report) {
  if (await hasGpu()) {
    try {
      return await startRuntime(RUNTIMES.gpu, 1, "GPU (WebGPU)", report);
    } catch (error) {
      console.warn(`WebGPU: ${error.message}`); // the processor can do it, too
    }
  }
  const threads = self.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency || 1, MOST_THREADS) : 1;
  return startRuntime(RUNTIMES.processor, threads, `processor, ${threads} thread${threads > 1 ? "s" : ""}`, report);
}

async function startRuntime({ script, binary, providers }, threads, processor, report) {
  const [wasm, model] = await downloadAll([binary, MODEL], report);
  const ort = await import(script);
  Object.assign(ort.env.wasm, { wasmPaths: new URL(".", self.location).href, wasmBinary: wasm.buffer, numThreads: threads });
  const session = await ort.InferenceSession.create(model, { executionProviders: providers });
  return { run: runner(ort, session), processor };
}

/** A function of values (3, height, width) that gives logits (2, height, width). */
function runner(ort, session) {
  const [input] = session.inputNames;
  const [output] = session.outputNames;
  return async (values, width, height) => {
    const results = await session.run({ [input]: new ort.Tensor("float32", values, [1, 3, height, width]) });
    return results[output].data;
  };
}

async function hasGpu() {
  try {
    return Boolean(await navigator.gpu?.requestAdapter());
  } catch {
    return false;
  }
}

async function downloadAll(addresses, report) {
  const responses = await Promise.all(addresses.map((address) => fetch(address)));
  for (const { ok, url, status } of responses) if (!ok) throw new Error(`${url}: ${status}`);
  const total = responses.reduce((sum, { headers }) => sum + Number(headers.get("Content-Length")), 0);
  let done = 0;
  return Promise.all(responses.map(async (response) => {
    const parts = [];
    for await (const part of chunks(response.body)) {
      parts.push(part);
      done += part.length;
      report(total ? Math.min(1, done / total) : null);
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  }));
}

async function* chunks(body) {
  const reader = body.getReader();
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) yield value;
}
