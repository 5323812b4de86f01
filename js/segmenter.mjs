/**
 * What tells a person from the background, as assets that a page fetches when it needs them: MediaPipe's code, its
 * WebAssembly and the model, packed with gzip, each named after its content.
 */

import { createHash } from "node:crypto";
import { access, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import * as esbuild from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const wasm = `${dirname(createRequire(import.meta.url).resolve("@mediapipe/tasks-vision"))}/wasm`;

/** Write the parts into `folder`, without their earlier versions; returns their names there, without ".gz". */
export async function segmenterParts(folder) {
  const module = await esbuild.build({
    entryPoints: [here("src/segmenter-module.ts")],
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    write: false,
    legalComments: "none",
  });
  const parts = {
    module: ["segmenter", "js", module.outputFiles[0].contents],
    loader: ["segmenter-loader", "js", await readFile(`${wasm}/vision_wasm_internal.js`)],
    wasm: ["segmenter", "wasm", await readFile(`${wasm}/vision_wasm_internal.wasm`)],
    model: ["segmenter", "tflite", await readFile(here("assets/selfie_segmentation.tflite"))],
  };
  const names = {};
  for (const [part, [stem, suffix, bytes]] of Object.entries(parts)) {
    const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
    names[part] = `${stem}-${hash}.${suffix}`;
    const path = `${folder}/${names[part]}.gz`;
    if (!(await exists(path))) await writeFile(path, await promisify(gzip)(bytes, { level: 9 }));
  }
  const kept = Object.values(names).map((name) => `${name}.gz`);
  for (const name of await readdir(folder)) {
    if (/^segmenter.*\.gz$/.test(name) && !kept.includes(name)) await rm(`${folder}/${name}`);
  }
  return names;
}

const exists = (path) =>
  access(path).then(
    () => true,
    () => false,
  );
