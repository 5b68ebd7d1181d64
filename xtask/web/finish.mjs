// Finishes what Trunk left in a folder: tells the service worker which files make up this build,
// and puts a brotli copy beside every file that gains from one.
//
//   node xtask/web/finish.mjs dist
//
// The service worker holds two lines for this, each exactly once, which also work unfilled:
//   const BUILD_ID = "unbuilt";
//   const PRECACHE = [];

import { createHash } from "node:crypto";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";

const WORKER = "service-worker.js";
const COMPRESSIBLE = new Set([".css", ".html", ".ico", ".js", ".json", ".mjs", ".svg", ".txt", ".wasm", ".webmanifest", ".xml"]);
/** Smaller files gain nothing that a browser would notice, in bytes. */
const WORTH_COMPRESSING_FROM = 512;

const dist = process.argv[2];
if (!dist) fail("say which folder to finish: node xtask/web/finish.mjs dist");

const everything = await readdir(dist, { recursive: true, withFileTypes: true });
const names = everything
  .filter((entry) => entry.isFile())
  .map((entry) => path.relative(dist, path.join(entry.parentPath ?? entry.path, entry.name)).split(path.sep).join("/"))
  .sort();

for (const stale of names.filter((name) => name.endsWith(".br"))) await rm(path.join(dist, stale));
const files = names.filter((name) => !name.endsWith(".br"));
if (!files.includes("index.html")) fail(`${dist} holds no index.html; did Trunk run?`);

const shell = files.filter((name) => name !== WORKER && !name.endsWith(".map"));
const digest = createHash("sha256");
for (const name of [...shell, ...files.filter((name) => name === WORKER)]) {
  const contents = await readFile(path.join(dist, name));
  digest.update(`${name}\0${contents.length}\0`).update(contents);
}
const buildId = digest.digest("hex").slice(0, 16);

if (files.includes(WORKER)) {
  const urls = shell.map((name) => (name === "index.html" ? "/" : `/${name}`));
  let worker = await readFile(path.join(dist, WORKER), "utf8");
  worker = fill(worker, 'const BUILD_ID = "unbuilt";', `const BUILD_ID = "${buildId}";`);
  worker = fill(worker, "const PRECACHE = [];", `const PRECACHE = ${JSON.stringify(urls)};`);
  await writeFile(path.join(dist, WORKER), worker);
} else {
  console.log(`   no ${WORKER} in ${dist}: this page will not open offline`);
}

const compress = promisify(brotliCompress);
let before = 0;
let after = 0;
for (const name of files.filter((name) => COMPRESSIBLE.has(path.extname(name)))) {
  const contents = await readFile(path.join(dist, name));
  if (contents.length < WORTH_COMPRESSING_FROM) continue;
  const compressed = await compress(contents, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: contents.length,
    },
  });
  if (compressed.length >= contents.length) continue;
  await writeFile(path.join(dist, `${name}.br`), compressed);
  before += contents.length;
  after += compressed.length;
  if (contents.length > 50_000) console.log(`   ${name}: ${kilobytes(contents.length)}, ${kilobytes(compressed.length)} over the wire`);
}
console.log(`   build ${buildId}: ${files.length} files, ${kilobytes(before)} become ${kilobytes(after)}`);

function fill(text, placeholder, filled) {
  const parts = text.split(placeholder);
  if (parts.length !== 2) fail(`${WORKER} must hold the line \`${placeholder}\` exactly once; it does ${parts.length - 1} times`);
  return parts.join(filled);
}

function kilobytes(bytes) {
  return `${Math.round(bytes / 1024)} KB`;
}

function fail(message) {
  console.error(`finish.mjs: ${message}`);
  process.exit(1);
}
