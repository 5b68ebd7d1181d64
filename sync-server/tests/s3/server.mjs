// Starts the S3-compatible server of the tests: node server.mjs PORT FOLDER BUCKET

import { existsSync, rmSync, statSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import S3rver from "s3rver";

const [port, directory, bucket] = process.argv.slice(2);
const server = new S3rver({
  address: "127.0.0.1",
  port: Number(port),
  silent: true,
  vhostBuckets: false,
  directory,
  configureBuckets: [{ name: bucket }],
});

// By itself it answers a put when the bytes have come, and goes on writing its file; who reads at once, reads less.
// Stores that are used for real don't.
const store = server.store;
const put = store.putObject.bind(store);
store.putObject = async (object) => {
  const file = store.getResourcePath(object.bucket, object.key, "object");
  rmSync(file, { force: true });
  const stored = await put(object);
  while (!existsSync(file) || statSync(file).size < stored.size) await pause(1);
  return stored;
};

await server.run();
