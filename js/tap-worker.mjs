/**
 * The tap's worker as text: it travels inside the bundle, because a widget is one module and a page may forbid to
 * fetch a second one.
 */

import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

export async function tapWorker(minify) {
  const result = await esbuild.build({
    entryPoints: [fileURLToPath(new URL("src/tap-worker.ts", import.meta.url))],
    bundle: true,
    format: "iife",
    target: "es2022",
    minify,
    write: false,
  });
  return JSON.stringify(result.outputFiles[0].text);
}
