// Recorded writings of real people, written again through real sockets: what arrives is exactly what they wrote.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import * as Y from 'yjs'
import { closeAll, open } from './support/clients.mjs'
import { Server } from './support/server.mjs'
import { until, untilChanged } from './support/wait.mjs'

/** Edits of the single writing that go out as one update: as many as a fast typist's burst between two frames of a slow line. */
const EDITS_AN_UPDATE = 20
/** Longest wait for the server to have stored everything. */
const STORED_WITHIN_MS = 180_000

function recorded (name) {
  return JSON.parse(gunzipSync(readFileSync(new URL(`../data/${name}.json.gz`, import.meta.url))))
}

function write (text, patches) {
  for (const [position, deleted, inserted] of patches) {
    if (deleted > 0) text.delete(position, deleted)
    if (inserted !== '') text.insert(position, inserted)
  }
}

describe('recorded writings', () => {
  let server
  before(async () => { server = await Server.fresh() })
  after(() => { closeAll(); return server.dispose() })

  async function expectFreshCopyEquals (name, kind, text) {
    const reader = await open(kind, server, name, 'reader')
    await until('a newcomer holds it', () => reader.text.length === text.length, { describe: () => `${reader.text.length} of ${text.length}` })
    assert.equal(reader.text.toString(), text)
    reader.close()
  }

  test('a paper of 259,778 edits arrives letter for letter', async () => {
    const { txns, endContent } = recorded('automerge-paper')
    const writer = await open('y-websocket-3', server, 'paper', 'Ann')
    await until('synced', writer.isSynced)
    for (let at = 0; at < txns.length; at += EDITS_AN_UPDATE) {
      writer.doc.transact(() => {
        for (const { patches } of txns.slice(at, at + EDITS_AN_UPDATE)) write(writer.text, patches)
      })
      // The socket has its turn now and then, as it would have between a person's keys.
      if (at % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    assert.equal(writer.text.toString(), endContent)
    await until('all is stored', () => writer.unsynced() === 0, {
      withinMs: STORED_WITHIN_MS, describe: () => `${writer.unsynced()} clocks are not`
    })
    writer.close()
    await expectFreshCopyEquals('paper', 'hocuspocus-provider-4', endContent)
  })

  test('a talk that two people typed at once ends, on both sides, as it did for them', async () => {
    const { txns, endContent } = recorded('friendsforever')
    const authors = []
    for (const agent of [0, 1]) authors.push(await startAuthor(agent))
    await until('both are synced', () => authors.every(({ client }) => client.isSynced()))

    const placeOf = []
    for (const [index, { agent, parents, patches }] of txns.entries()) {
      const [me, other] = [authors[agent], authors[1 - agent]]
      const seen = Math.max(0, ...parents.filter((parent) => txns[parent].agent !== agent).map((parent) => placeOf[parent] + 1))
      if (seen > me.seen) await me.see(other, seen)
      placeOf[index] = me.write(patches)
    }
    const texts = () => authors.map(({ client }) => client.text.toString())
    await until('both sides hold everything', () => texts().every((text) => text.length === endContent.length), {
      withinMs: STORED_WITHIN_MS, describe: () => `${texts().map((text) => text.length)} of ${endContent.length}`
    })
    assert.deepEqual(texts(), [endContent, endContent])
    await until('all is stored', () => authors.every(({ client }) => client.unsynced() === 0), { withinMs: STORED_WITHIN_MS })
    authors.forEach(({ client }) => client.close())
    await expectFreshCopyEquals('talk', 'y-websocket-1', endContent)
  })

  /**
   * One of the two. They type into a page that shows exactly what they had seen then; a client beside it sends their edits,
   * and the other's edits show only once the client has received them.
   */
  async function startAuthor (agent) {
    // The recording breaks ties in favour of the first author, as Yjs does for the lower id.
    const clientId = agent + 1
    const kind = agent === 0 ? 'y-websocket-3' : 'hocuspocus-provider-4'
    const client = await open(kind, server, 'talk', `author ${agent}`, { clientId: 1_000 + agent })
    const page = new Y.Doc()
    page.clientID = clientId
    const text = page.getText('content')
    const written = []
    const clockBehind = []
    let update
    page.on('update', (bytes, origin) => { if (origin !== 'received') update = bytes })
    return {
      client,
      clientId,
      written,
      clockBehind,
      seen: 0,
      write (patches) {
        update = Y.encodeStateAsUpdate(new Y.Doc())
        page.transact(() => write(text, patches))
        written.push(update)
        clockBehind.push(Y.getState(page.store, clientId))
        Y.applyUpdate(client.doc, update, 'typed')
        return written.length - 1
      },
      async see (other, seen) {
        const clock = other.clockBehind[seen - 1]
        await untilChanged(client.doc, 'the other\'s edits arrive', () => Y.getState(client.doc.store, other.clientId) >= clock)
        while (this.seen < seen) Y.applyUpdate(page, other.written[this.seen++], 'received')
      }
    }
  }
})
