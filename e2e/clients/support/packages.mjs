// The npm packages under their names here (one name a major version), and small helpers.

import { readFileSync } from 'node:fs'

/** Name and version of a package as it calls itself, for instance `y-websocket 3.1.0`. */
export function versionOf (name) {
  const { name: itself, version } = JSON.parse(
    readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8')
  )
  return `${itself} ${version}`
}

/** Lets everything that waits for a turn of the event loop have it. */
export async function settle () {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}
