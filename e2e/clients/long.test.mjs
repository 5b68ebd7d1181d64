// Documents that do not fit one message: they come in parts, and stock clients know nothing of parts.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ALL, closeAll, open } from './support/clients.mjs'
import { Server } from './support/server.mjs'
import { until } from './support/wait.mjs'

const LONG_BYTES = 2.5 * 1024 * 1024
/** Edits made all over what was pasted, so that it is no single block. */
const EDITS = 400
const WITHIN = { withinMs: 180_000 }

const lines = (bytes) => {
  let text = ''
  for (let line = 0; text.length < bytes; line++) text += `line ${line}: the quick brown fox jumps over the lazy dog\n`
  return text
}

/** How much of the text is there at the moment the client first says that it is synced. */
const lengthOnceSynced = ({ provider, text }) => new Promise((resolve) => {
  for (const name of ['sync', 'synced']) provider.on(name, (state) => { if (state !== false) resolve(text.length) })
})

describe('stock clients and documents of more than 2 MiB', () => {
  const pasted = lines(LONG_BYTES)
  let server
  before(async () => { server = await Server.fresh() })
  after(() => { closeAll(); return server.dispose() })

  for (const kind of ALL) {
    test(`${kind} brings what was pasted while the server was away, and a newcomer has all of it once it says so`, async () => {
      const name = `long/${kind}`
      const writer = await open(kind, server, name, 'Ann')
      await until('synced', writer.isSynced)
      writer.text.insert(0, 'written before\n')
      await until('stored', () => writer.unsynced() === 0)
      await server.kill()
      // In one transaction: of several that had to wait for their socket, versions 3 and 4 of Hocuspocus count only one.
      writer.doc.transact(() => {
        writer.text.insert(writer.text.length, pasted)
        for (let edit = 0; edit < EDITS; edit++) writer.text.insert(edit * 5_003, `[${edit}]`)
      })
      await server.start()
      await until('stored', () => writer.unsynced() === 0, WITHIN)
      const whole = writer.text.toString()
      assert.ok(whole.length > LONG_BYTES)
      const reader = await open(kind, server, name, 'Ben')
      assert.equal(await lengthOnceSynced(reader), whole.length)
      assert.ok(reader.text.toString() === whole, 'the newcomer reads something else')
      reader.text.insert(0, 'a word from Ben\n')
      await until('Ann reads it', () => writer.text.toString().startsWith('a word from Ben\n'))
      writer.close()
      reader.close()
    })
  }

  test('each kind reads what another kind pasted, from the disk of a server that was killed', async () => {
    await server.kill()
    await server.start()
    for (const kind of ALL) {
      const reader = await open(kind, server, `long/${ALL[ALL.length - 1 - ALL.indexOf(kind)]}`, 'late')
      const length = await lengthOnceSynced(reader)
      assert.ok(length > LONG_BYTES, `${kind} has ${length} letters`)
      assert.ok(reader.text.toString().includes(pasted.slice(-1_000)))
      reader.close()
    }
  })
})
