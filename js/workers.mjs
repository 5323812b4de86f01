/**
 * The workers as text: they travel inside the bundles, because a widget is one module and a page may forbid to fetch a
 * second one.
 */

import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

export const tapWorker = (minify) => textOf("src/tap-worker.ts", minify);

export const recorderWorker = (minify) => textOf("src/guest/recorder/worker.ts", minify);

/** `parts` names the segmenter's parts (see segmenter.mjs). */
export const effectsWorker = (minify, parts) =>
  textOf("src/effects-worker.ts", minify, { NBRTC_SEGMENTER: JSON.stringify(parts) });

async function textOf(entry, minify, define = {}) {
  const result = await esbuild.build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    format: "iife",
    target: "es2022",
    minify,
    define,
    write: false,
  });
  return JSON.stringify(result.outputFiles[0].text);
}
