/**
 * The workers as text: they travel inside the bundles, because a widget is one module and a page may forbid to fetch a
 * second one.
 */

import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

export const tapWorker = (minify) => textOf("src/tap-worker.ts", minify);

export const recorderWorker = (minify) => textOf("src/guest/recorder/worker.ts", minify);

async function textOf(entry, minify) {
  const result = await esbuild.build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    format: "iife",
    target: "es2022",
    minify,
    write: false,
  });
  return JSON.stringify(result.outputFiles[0].text);
}
