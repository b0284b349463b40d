// Build the page into a folder: node build.js FOLDER BUNDLE, where BUNDLE are the bundle's settings as JSON. The exported
// network and the sample come from docs/build_browser.py.

import { build } from "esbuild";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const [folder, bundle] = process.argv.slice(2);
const runtime = join(here, "node_modules", "onnxruntime-web", "dist");
const RUNTIME = [
  "ort.wasm.min.mjs",
  "ort-wasm-simd-threaded.mjs",
  "ort-wasm-simd-threaded.wasm",
  "ort.webgpu.min.mjs",
  "ort-wasm-simd-threaded.asyncify.mjs",
  "ort-wasm-simd-threaded.asyncify.wasm",
];
const KEPT_AT_ONCE = ["./", "index.html", "style.css", "page.js", "worker.js", "sample.png"]; // the rest when it is used

mkdirSync(folder, { recursive: true });
for (const file of ["index.html", "style.css"]) copyFileSync(join(here, file), join(folder, file));
for (const file of RUNTIME) copyFileSync(join(runtime, file), join(folder, file));
const options = { bundle: true, minify: true, format: "esm", target: "es2022", outdir: folder, absWorkingDir: here };
await build({ ...options, entryPoints: ["src/page.js", "src/worker.js"], define: { BUNDLE: bundle } });

const digest = createHash("sha256");
for (const file of readdirSync(folder).sort()) if (file !== "service_worker.js") digest.update(readFileSync(join(folder, file)));
const define = { VERSION: JSON.stringify(digest.digest("hex").slice(0, 12)), FILES: JSON.stringify(KEPT_AT_ONCE) };
await build({ ...options, entryPoints: ["src/service_worker.js"], define });
