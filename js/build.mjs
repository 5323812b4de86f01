/** Bundles the widgets and the guest page into src/nbrtc/static/: `node build.mjs`, or with --watch while developing. */

import { copyFile, mkdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { segmenterParts } from "./segmenter.mjs";
import { effectsWorker, recorderWorker, tapWorker } from "./workers.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const watch = process.argv.includes("--watch");

const outdir = here("../src/nbrtc/static");
await mkdir(outdir, { recursive: true });
const parts = await segmenterParts(outdir);

const options = {
  // while watching, the workers stay as they were at the start
  define: {
    NBRTC_EFFECTS_WORKER: await effectsWorker(!watch, parts),
    NBRTC_TAP_WORKER: await tapWorker(!watch),
    NBRTC_RECORDER_WORKER: await recorderWorker(!watch),
  },
  entryPoints: {
    widget: here("src/widget.ts"),
    "stats-view": here("src/stats-widget.ts"),
    page: here("src/page.ts"),
  },
  outdir,
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

await copyFile(here("src/guest/page.html"), `${outdir}/page.html`);
if (watch) {
  const context = await esbuild.context(options);
  await context.watch();
} else {
  await esbuild.build(options);
  for (const name of ["widget.js", "widget.css", "stats-view.js", "stats-view.css", "page.js", "page.css"]) {
    const bytes = await readFile(`${outdir}/${name}`);
    const size = (length) => `${(length / 1024).toFixed(1)} KiB`;
    console.log(`${name}: ${size(bytes.length)}, ${size(gzipSync(bytes).length)} gzip`);
  }
}
