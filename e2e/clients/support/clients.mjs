// Stock clients of every promised version, under one shape: a document, its presence, and whether all of it is on the server.

import * as decoding from 'lib0/decoding'
import { Awareness } from 'y-protocols/awareness'
import WebSocket from 'ws'
import * as Y from 'yjs'

export const Y_WEBSOCKET = ['y-websocket-1', 'y-websocket-2', 'y-websocket-3']
export const HOCUSPOCUS = ['hocuspocus-provider-2', 'hocuspocus-provider-3', 'hocuspocus-provider-4']
export const ALL = [...Y_WEBSOCKET, ...HOCUSPOCUS]

const opened = new Set()

/** Closes what a test that failed has left open: it would keep the process from ending. */
export function closeAll () {
  for (const client of opened) client.close()
}

/** Opens the document `name` with the client `kind`, for a person called `person`. */
export async function open (kind, server, name, person, { clientId } = {}) {
  const doc = new Y.Doc()
  if (clientId !== undefined) doc.clientID = clientId
  const awareness = new Awareness(doc)
  awareness.setLocalState({ user: { name: person, color: '#30bced' } })
  const client = Y_WEBSOCKET.includes(kind)
    ? await openYWebsocket(kind, server, name, doc, awareness)
    : await openHocuspocus(kind, server, name, doc, awareness)
  const { close } = client
  opened.add(client)
  return Object.assign(client, {
    kind,
    doc,
    awareness,
    text: doc.getText('content'),
    close: () => { if (opened.delete(client)) close() },
    /** The names of everyone this client sees, itself included, in order. */
    sees: () => [...awareness.getStates().values()].map((state) => state.user?.name).sort()
  })
}

async function openYWebsocket (kind, server, name, doc, awareness) {
  const { WebsocketProvider } = await import(kind)
  const stored = { clock: 0 }
  const provider = new WebsocketProvider(`${server.socketUrl}/sync`, name, doc, {
    awareness, disableBc: true, WebSocketPolyfill: listeningSocket(doc, stored)
  })
  return {
    provider,
    isSynced: () => provider.synced,
    unsynced: () => Math.max(0, Y.getState(doc.store, doc.clientID) - stored.clock),
    close: () => { provider.destroy(); awareness.destroy(); doc.destroy() }
  }
}

/**
 * This dialect has no acknowledgement. What comes back to its author is stored: its own edits, echoed, and its own clock in
 * the server's state vector.
 */
function listeningSocket (doc, stored) {
  return class extends WebSocket {
    constructor (...options) {
      super(...options)
      this.on('message', (data) => {
        stored.clock = Math.max(stored.clock, clockIn(new Uint8Array(data), doc.clientID))
      })
    }
  }
}

/** The clock up to which the server says that it has `client`'s edits, in one frame; 0 if it says nothing of them. */
function clockIn (frame, client) {
  const decoder = decoding.createDecoder(frame)
  if (decoding.readVarUint(decoder) !== 0) return 0
  const isVersion = decoding.readVarUint(decoder) === 0
  const payload = decoding.readVarUint8Array(decoder)
  const clocks = isVersion ? Y.decodeStateVector(payload) : Y.parseUpdateMeta(payload).to
  return clocks.get(client) ?? 0
}

async function openHocuspocus (kind, server, name, doc, awareness) {
  const { HocuspocusProvider, HocuspocusProviderWebsocket } = await import(kind)
  const websocketProvider = new HocuspocusProviderWebsocket({
    url: `${server.socketUrl}/collab`,
    WebSocketPolyfill: WebSocket,
    // Look again soon after the server went away.
    delay: 100,
    minDelay: 100,
    maxDelay: 500
  })
  const provider = new HocuspocusProvider({
    name, document: doc, awareness, token: 'anyone', websocketProvider, quiet: true
  })
  provider.attach?.()
  // Version 2 counts one too few for each edit that had to wait for its socket, with its own server too.
  const uncounted = kind === 'hocuspocus-provider-2' ? editsMadeApart(doc, provider, websocketProvider) : () => 0
  return {
    provider,
    isSynced: () => provider.synced || provider.isSynced,
    unsynced: () => provider.unsyncedChanges + uncounted(),
    close: () => { provider.destroy(); websocketProvider.destroy(); awareness.destroy(); doc.destroy() }
  }
}

/** How many edits were made while the socket was not open, and went out when it was. */
function editsMadeApart (doc, provider, websocketProvider) {
  let waiting = 0
  let late = 0
  provider.on('status', ({ status }) => {
    if (status !== 'connected') return
    late = waiting
    waiting = 0
  })
  doc.on('update', (_, origin) => {
    if (origin !== provider && websocketProvider.webSocket?.readyState !== WebSocket.OPEN) waiting += 1
  })
  return () => late
}
