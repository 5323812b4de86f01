/** Serves the demo page on a free port of this machine until it is interrupted: `node dev/serve.mjs`. */
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const context = await esbuild.context({
  entryPoints: [`${here}/demo.ts`],
  bundle: true,
  format: "esm",
  jsx: "automatic",
  jsxImportSource: "preact",
  outdir: here,
  write: false,
});
const { port } = await context.serve({ host: "127.0.0.1", port: 0, servedir: here });
console.log(`http://127.0.0.1:${port}/`);
