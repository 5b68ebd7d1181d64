// Bundles the surface into one ES module and says how large it is.
import { build } from "esbuild";
import { readFile, writeFile, mkdir } from "node:fs/promises";
import { brotliCompressSync, constants } from "node:zlib";

const out = "../generated/surface.js";
/** Most the module may weigh, in bytes of brotli. */
const BROTLI_BYTES_MAX = 95 * 1024;

await mkdir("../generated", { recursive: true });
const result = await build({
  entryPoints: ["src/surface.ts"],
  outfile: out,
  bundle: true,
  format: "esm",
  target: ["es2022", "safari16"],
  minify: true,
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});
await writeFile("../generated/surface.meta.json", JSON.stringify(result.metafile));

const bytes = await readFile(out);
const small = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
console.log(`surface.js: ${bytes.length} bytes, ${small.length} as brotli`);
if (small.length > BROTLI_BYTES_MAX) {
  console.error(`The editor's module is over its budget of ${BROTLI_BYTES_MAX} bytes of brotli.`);
  process.exit(1);
}
