/** Bundles a page for the browser tests as the widget is bundled: `node test/bundle.mjs page.ts out.js`. */

import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { segmenterParts } from "../segmenter.mjs";
import { effectsWorker, tapWorker } from "../workers.mjs";

const [entry, outfile] = process.argv.slice(2);

// the parts lie where the build has put them
const parts = await segmenterParts(fileURLToPath(new URL("../../src/nbrtc/static", import.meta.url)));

await esbuild.build({
  define: {
    NBRTC_EFFECTS_WORKER: await effectsWorker(false, parts),
    NBRTC_TAP_WORKER: await tapWorker(false),
  },
  entryPoints: [entry],
  outfile,
  bundle: true,
  format: "iife",
  target: "es2022",
  logLevel: "warning",
});
