/** Bundles the widget into src/nbrtc/static/: `node build.mjs`, or with --watch while developing. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const watch = process.argv.includes("--watch");

const options = {
  entryPoints: { widget: here("src/widget.ts") },
  outdir: here("../src/nbrtc/static"),
  bundle: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  minify: !watch,
  sourcemap: watch ? "inline" : false,
  legalComments: "none",
  logLevel: "warning",
};

if (watch) {
  const context = await esbuild.context(options);
  await context.watch();
} else {
  await esbuild.build(options);
  for (const name of ["widget.js", "widget.css"]) {
    const bytes = await readFile(`${options.outdir}/${name}`);
    const size = (length) => `${(length / 1024).toFixed(1)} KiB`;
    console.log(`${name}: ${size(bytes.length)}, ${size(gzipSync(bytes).length)} gzip`);
  }
}
