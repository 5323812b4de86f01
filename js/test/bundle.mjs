/** Bundles a page for the browser tests as the widget is bundled: `node test/bundle.mjs page.ts out.js`. */

import * as esbuild from "esbuild";
import { tapWorker } from "../workers.mjs";

const [entry, outfile] = process.argv.slice(2);

await esbuild.build({
  define: { NBRTC_TAP_WORKER: await tapWorker(false) },
  entryPoints: [entry],
  outfile,
  bundle: true,
  format: "iife",
  target: "es2022",
  logLevel: "warning",
});
