// The built program as a child of the test, with a data folder of its own. `SHEAF_BIN` says which program.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from './wait.mjs'

const BUILT = ['release', 'debug']
  .map((profile) => fileURLToPath(new URL(`../../../target/${profile}/sheaf`, import.meta.url)))
const LOG_LINES_MAX = 500

export class Server {
  log = []
  #child

  /** One with an empty data folder, which answers. */
  static async fresh () {
    const server = new Server()
    server.port = await freePort()
    server.dataDir = await mkdtemp(path.join(tmpdir(), 'sheaf-clients-'))
    await server.start()
    return server
  }

  get socketUrl () { return `ws://127.0.0.1:${this.port}` }

  /** Starts it, or starts it again on the same port and the same data. */
  async start () {
    const file = process.env.SHEAF_BIN ?? BUILT.find((one) => existsSync(one)) ?? BUILT[0]
    const child = spawn(file, ['serve', '--listen', `127.0.0.1:${this.port}`, '--data-dir', this.dataDir, '--drain-seconds', '1'], {
      stdio: ['ignore', 'pipe', 'pipe']
    })
    child.on('error', (error) => this.log.push(String(error)))
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.log.push(...text.split('\n').filter((line) => line !== ''))
        this.log.splice(0, Math.max(0, this.log.length - LOG_LINES_MAX))
      })
    }
    this.#child = child
    await until('the server answers', () => this.#isReady(), { describe: () => `\n${this.log.join('\n')}` })
  }

  /** Ends it as a power cut would. */
  kill () { return this.#end('SIGKILL') }

  /** Asks it to go: it sends everyone off first. */
  async stop () {
    await this.#end('SIGTERM')
    if (this.#child.exitCode !== 0) throw new Error(`it did not end well: ${this.#child.exitCode}\n${this.log.join('\n')}`)
  }

  async #end (signal) {
    const child = this.#child
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }

  async dispose () {
    await this.kill()
    await rm(this.dataDir, { recursive: true, force: true })
  }

  async #isReady () {
    if (this.#child.exitCode !== null) throw new Error(`the server ended:\n${this.log.join('\n')}`)
    const answer = await fetch(`http://127.0.0.1:${this.port}/readyz`).catch(() => undefined)
    return answer?.ok === true
  }
}

/** Below the ports that systems give to whoever asks for any: those are taken while the server is down. */
const PORTS = { first: 10_000, count: 22_000 }

async function freePort () {
  for (;;) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count)
    const listener = createServer()
    const isFree = await new Promise((resolve) => {
      listener.once('error', () => resolve(false))
      listener.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!isFree) continue
    listener.close()
    await once(listener, 'close')
    return port
  }
}
