// Stock clients from npm, of every promised version, with the server and with each other.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ALL, closeAll, open } from './support/clients.mjs'
import { Server } from './support/server.mjs'
import { until } from './support/wait.mjs'

/** A client that comes back says so at its next sign of life, every 15 s. */
const PRESENCE_BACK_WITHIN_MS = 90_000

describe('stock clients', () => {
  let server
  before(async () => { server = await Server.fresh() })
  after(() => { closeAll(); return server.dispose() })

  const told = (clients) => clients.map(({ kind, text, unsynced }) => `\n${kind}: ${unsynced()} unsynced, ${JSON.stringify(text.toString())}`).join('')
  const allHold = (clients, lines) => until(
    `everyone holds ${lines.length} lines`,
    () => clients.every(({ text }) => lines.every((line) => text.toString().includes(line)) && text.toString() === clients[0].text.toString()),
    { describe: () => told(clients) }
  )
  const allStored = (clients) => until(
    'nobody has unsynced changes', () => clients.every(({ unsynced }) => unsynced() === 0), { describe: () => told(clients) }
  )
  const allSee = (clients, people, options) => until(
    'everyone sees everyone',
    () => clients.every(({ sees }) => sees().join() === people.join()),
    { describe: () => clients.map(({ kind, sees }) => `\n${kind} sees ${sees()}`).join(''), ...options }
  )

  for (const kind of ALL) {
    test(`${kind} writes, is told that it is stored, and another of its kind reads it`, async () => {
      const name = `alone/${kind}`
      const writer = await open(kind, server, name, 'Ann')
      writer.text.insert(0, 'written before the socket was open\n')
      await until('synced', writer.isSynced)
      writer.text.insert(0, 'héllo 😀\n')
      await allStored([writer])
      const reader = await open(kind, server, name, 'Ben')
      await allHold([writer, reader], ['written before the socket was open', 'héllo 😀'])
      await allSee([writer, reader], ['Ann', 'Ben'])
      writer.close()
      await until('Ben sees that Ann left', () => reader.sees().join() === 'Ben')
      reader.close()
    })
  }

  test('all versions write one document, see each other, and outlive a server that is killed or asked to go', async () => {
    const clients = []
    const people = ALL.map((kind) => `on ${kind}`).sort()
    for (const kind of ALL) clients.push(await open(kind, server, 'all', `on ${kind}`))
    await until('all are synced', () => clients.every(({ isSynced }) => isSynced()))
    clients.forEach(({ text, kind }) => text.insert(0, `first of ${kind}\n`))
    const first = ALL.map((kind) => `first of ${kind}`)
    await allHold(clients, first)
    await allStored(clients)
    await allSee(clients, people, { withinMs: PRESENCE_BACK_WITHIN_MS })

    const lines = [...first]
    for (const [word, end] of [['second', () => server.kill()], ['third', () => server.stop()]]) {
      await end()
      clients.forEach(({ text, kind }) => text.insert(text.length, `${word} of ${kind}\n`))
      await server.start()
      lines.push(...ALL.map((kind) => `${word} of ${kind}`))
      await allHold(clients, lines)
      await allStored(clients)
      await allSee(clients, people, { withinMs: PRESENCE_BACK_WITHIN_MS })
    }

    const whole = clients[0].text.toString()
    clients.forEach((client) => client.close())
    await server.kill()
    await server.start()
    for (const kind of ALL) {
      const fresh = await open(kind, server, 'all', 'late')
      await until('a newcomer reads it from the disk', () => fresh.text.toString() === whole)
      fresh.close()
    }
    assert.equal(whole.split('\n').length, 3 * ALL.length + 1)
  })
})
