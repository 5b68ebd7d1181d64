// Records the bytes that the npm packages write, as fixtures for the Rust tests of both wire dialects.
// `npm run fixtures` writes shared/tests/fixtures/wire.json anew; the same versions give the same bytes.

import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import * as encoding from 'lib0/encoding'
import * as authProtocol from 'y-protocols/auth'
import { Awareness, encodeAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { settle, versionOf } from './support/packages.mjs'

const hex = (bytes) => Buffer.from(bytes).toString('hex')
const records = []

/** A socket that only remembers. Serves clients that set `onopen` and clients that add listeners. */
class Recorder {
  static last = null
  readyState = 0
  sent = []
  #listeners = {}

  constructor () {
    Recorder.last = this
  }

  addEventListener (name, listener) { (this.#listeners[name] ??= []).push(listener) }
  removeEventListener (name, listener) {
    this.#listeners[name] = (this.#listeners[name] ?? []).filter((one) => one !== listener)
  }
  send (bytes) { this.sent.push(Uint8Array.from(bytes)) }
  close () { this.readyState = 3 }
  ping () {}
  #tell (name, event) {
    this[`on${name}`]?.(event)
    for (const listener of this.#listeners[name] ?? []) listener(event)
  }
  open () { this.readyState = 1; this.#tell('open', {}) }
  hear (bytes) {
    const data = Uint8Array.from(bytes)
    this.#tell('message', { data: data.buffer, target: this })
  }
}
for (const [name, value] of Object.entries({ CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 })) {
  Recorder[name] = value
  Recorder.prototype[name] = value
}

function record (dialect, by, wrote, what, bytes, expect) {
  records.push({ dialect, by, wrote, what, hex: hex(bytes), expect })
}

/** A document with some text in it, under a client id that always is the same. */
function documentOf (clientId, text) {
  const doc = new Y.Doc({ guid: 'golden' })
  doc.clientID = clientId
  doc.getText('content').insert(0, text)
  return doc
}

const version = (doc) => hex(Y.encodeStateVector(doc))
const state = (doc) => hex(Y.encodeStateAsUpdate(doc))
const ann = (awareness) => hex(encodeAwarenessUpdate(awareness, [awareness.clientID]))

async function recordYWebsocketClient (name) {
  const { WebsocketProvider } = await import(name)
  const by = versionOf(name)
  const doc = documentOf(7, 'héllo 😀')
  const provider = new WebsocketProvider('ws://golden', 'd', doc, {
    WebSocketPolyfill: Recorder, disableBc: true
  })
  provider.awareness.setLocalState({ user: { name: 'Ann', color: '#30bced' } })
  const socket = Recorder.last
  socket.open()
  const save = (what, expect) => record('y-websocket', by, 'client', what, socket.sent.shift(), expect)
  save('step 1 on opening', { sync: 'step1', payload: version(doc) })
  save('its presence on opening', { awareness: ann(provider.awareness) })
  const other = documentOf(8, 'other')
  socket.hear([0, 0, ...withLength(Y.encodeStateVector(other))])
  save('step 2, the answer to a step 1', { sync: 'step2', payload: hex(Y.encodeStateAsUpdate(doc, Y.encodeStateVector(other))) })
  let update
  doc.once('update', (bytes) => { update = bytes })
  doc.getText('content').insert(5, 'x')
  save('an edit', { sync: 'update', payload: hex(update) })
  socket.hear([3])
  save('presence, asked for', { awareness: ann(provider.awareness) })
  provider.awareness.setLocalState(null)
  save('leaving', { awareness: ann(provider.awareness) })
  provider.destroy()
  provider.awareness.destroy()
}

/** Runs the reference server's code on a socket that remembers. */
async function recordYWebsocketServer (name, file) {
  const require = createRequire(import.meta.url)
  const { setupWSConnection, getYDoc } = require(`${name}/bin/${file}`)
  const by = `${versionOf(name)} (server)`
  const doc = getYDoc('golden')
  doc.clientID = 9
  doc.getText('content').insert(0, 'served')
  doc.awareness.clientID = 9
  doc.awareness.meta.set(9, { clock: 1, lastUpdated: 0 })
  doc.awareness.states.set(9, { user: { name: 'Ben' } })
  const sent = []
  const heard = {}
  const connection = {
    readyState: 1, on: (event, listener) => { heard[event] = listener }, send: (bytes) => sent.push(bytes), ping () {}, close () {}
  }
  setupWSConnection(connection, { url: '/golden' }, { gc: true })
  const save = (what, expect) => record('y-websocket', by, 'server', what, sent.shift(), expect)
  save('step 1 on connecting', { sync: 'step1', payload: version(doc) })
  save('everybody\'s presence on connecting', { awareness: hex(encodeAwarenessUpdate(doc.awareness, [9])) })
  heard.message(new Uint8Array([0, 0, 1, 0]))
  save('step 2, the answer to a fresh client', { sync: 'step2', payload: state(doc) })
  let update
  doc.once('update', (bytes) => { update = bytes })
  doc.getText('content').insert(0, 'y')
  save('an edit passed on', { sync: 'update', payload: hex(update) })
  heard.close()
  doc.destroy()
}

function recordDenial () {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, 2)
  authProtocol.writePermissionDenied(encoder, 'not for you')
  record('y-websocket', versionOf('y-protocols'), 'server', 'a denial', encoding.toUint8Array(encoder), { denied: 'not for you' })
}

async function recordHocuspocusClient (name, options = {}) {
  const { HocuspocusProvider, HocuspocusProviderWebsocket } = await import(name)
  const major = Number(name.at(-1))
  const by = versionOf(name)
  const websocketProvider = new HocuspocusProviderWebsocket({ url: 'ws://golden', WebSocketPolyfill: Recorder })
  const doc = documentOf(7, 'héllo 😀')
  const awareness = new Awareness(doc)
  awareness.setLocalState({ user: { name: 'Ann', color: '#30bced' } })
  const provider = new HocuspocusProvider({
    name: 'team/notes', document: doc, awareness, websocketProvider, token: 'sésame', ...options
  })
  let address = 'team/notes'
  if (options.sessionAwareness) {
    provider.sessionId = 'k3x9'
    address = 'team/notes\0k3x9'
  }
  if (major > 2) provider.attach()
  await settle()
  const socket = Recorder.last
  socket.open()
  await settle()
  const save = (what, expect) => record('hocuspocus', by, 'client', what, socket.sent.shift(), { address, ...expect })
  const frame = (...body) => [...withLength(new TextEncoder().encode(address)), ...body]
  const provider4 = major >= 4 ? { provider: by.split(' ')[1] } : {}
  save('its token', { auth: 'token', token: 'sésame', ...provider4 })
  save('step 1', { sync: 'step1', payload: version(doc) })
  save('its presence', { awareness: ann(awareness) })
  socket.sent.length = 0
  socket.hear(frame(0, 0, 1, 0))
  await settle()
  save('step 2, the answer to a step 1', { sync: 'step2', payload: state(doc) })
  let update
  doc.once('update', (bytes) => { update = bytes })
  doc.getText('content').insert(5, 'x')
  save('an edit', { sync: 'update', payload: hex(update) })
  provider.sendStateless('{"hello":1}')
  save('words of the application', { stateless: '{"hello":1}' })
  removeAwarenessStates(awareness, [7], 'leaving')
  save('leaving', { awareness: ann(awareness) })
  if (major >= 4) {
    socket.hear([9])
    await settle()
    record('hocuspocus', by, 'client', 'a pong', socket.sent.shift(), { pong: true })
  }
  socket.sent.length = 0
  provider.destroy()
  // Version 2 leaves without a word of the document's own.
  if (major > 2) {
    record('hocuspocus', by, 'client', 'closing the document', socket.sent.at(-1), { address, close: null })
  }
  websocketProvider.destroy()
  awareness.destroy()
}

async function recordHocuspocusServer (name) {
  const { OutgoingMessage } = await import(name)
  const by = versionOf(name)
  const doc = documentOf(9, 'served')
  const awareness = new Awareness(doc)
  awareness.setLocalState({ user: { name: 'Ben' } })
  const address = 'team/notes'
  const save = (what, build, expect) => {
    const message = new OutgoingMessage(address)
    // Not every version has every message.
    if (build(message) === undefined) return
    record('hocuspocus', by, 'server', what, message.toUint8Array(), { address, ...expect })
  }
  save('yes, read and write', (m) => m.writeAuthenticated(false), { auth: 'granted', readOnly: false })
  save('yes, read only', (m) => m.writeAuthenticated(true), { auth: 'granted', readOnly: true })
  save('no', (m) => m.writePermissionDenied('not for you'), { auth: 'denied', reason: 'not for you' })
  save('please send a token', (m) => m.writeTokenSyncRequest?.(), { auth: 'tokenWanted' })
  save('step 1', (m) => m.createSyncMessage().writeFirstSyncStepFor(doc), { sync: 'step1', payload: version(doc) })
  save('an edit', (m) => m.createSyncMessage().writeUpdate(Y.encodeStateAsUpdate(doc)), { sync: 'update', payload: state(doc) })
  save('step 1 to another server', (m) => m.createSyncReplyMessage().writeFirstSyncStepFor(doc), { syncReply: 'step1', payload: version(doc) })
  save('presence', (m) => m.createAwarenessUpdateMessage(awareness), { awareness: ann(awareness) })
  save('asking for presence', (m) => m.writeQueryAwareness(), { queryAwareness: true })
  save('words of the application', (m) => m.writeStateless('späße'), { stateless: 'späße' })
  save('words to all, between servers', (m) => m.writeBroadcastStateless('späße'), { broadcastStateless: 'späße' })
  save('an edit is stored', (m) => m.writeSyncStatus(true), { syncStatus: true })
  save('an edit is refused', (m) => m.writeSyncStatus(false), { syncStatus: false })
  save('the document is closed', (m) => m.writeCloseMessage?.('moved'), { close: 'moved' })
  awareness.destroy()
}

function withLength (bytes) {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint8Array(encoder, bytes)
  return encoding.toUint8Array(encoder)
}

for (const name of ['y-websocket-1', 'y-websocket-2', 'y-websocket-3']) await recordYWebsocketClient(name)
await recordYWebsocketServer('y-websocket-1', 'utils')
recordDenial()
for (const name of ['hocuspocus-provider-2', 'hocuspocus-provider-3', 'hocuspocus-provider-4']) await recordHocuspocusClient(name)
await recordHocuspocusClient('hocuspocus-provider-4', { sessionAwareness: true })
for (const name of ['hocuspocus-server-2', 'hocuspocus-server-3', 'hocuspocus-server-4']) await recordHocuspocusServer(name)

const lines = records.map((one) => JSON.stringify(one))
writeFileSync(new URL('../../shared/tests/fixtures/wire.json', import.meta.url), `[\n${lines.join(',\n')}\n]\n`)
console.log(`${records.length} frames recorded`)
process.exit(0)
