// A Quill editor, as anyone would set it up with y-quill, on a page of Sheaf.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { JSDOM } from 'jsdom'
import * as Y from 'yjs'
import { closeAll, open } from './support/clients.mjs'
import { Server } from './support/server.mjs'
import { until } from './support/wait.mjs'

/** Gives this process as much of a browser as Quill asks for, and then Quill. */
async function quillInAWindow () {
  const { window } = new JSDOM('<!doctype html><div id="editor"></div>', { pretendToBeVisual: true })
  for (const name of ['window', 'navigator', 'document', 'Node', 'MutationObserver', 'HTMLElement', 'Element', 'Text', 'DOMParser', 'Range']) {
    // Newer Node.js has a navigator of its own, which cannot be assigned to.
    Object.defineProperty(globalThis, name, { value: window[name], configurable: true, writable: true })
  }
  // jsdom lays nothing out; Quill only wants to scroll to what it does not find.
  window.Range.prototype.getBoundingClientRect = () => ({ top: 0, bottom: 0, left: 0, right: 0, height: 0, width: 0 })
  window.Range.prototype.getClientRects = () => []
  const { default: Quill } = await import('quill')
  const { QuillBinding } = await import('y-quill')
  return { Quill, QuillBinding, element: window.document.getElementById('editor') }
}

/** Neighbouring texts with the same attributes are one: where they were typed apart, Yjs tells them apart. */
function joined (ops) {
  const runs = []
  for (const { insert, attributes = {} } of ops) {
    const last = runs.at(-1)
    const goesOn = typeof insert === 'string' && typeof last?.insert === 'string' && isDeepStrictEqual(last.attributes, attributes)
    if (goesOn) last.insert += insert
    else runs.push({ insert, attributes })
  }
  return runs
}

describe('Quill', () => {
  let server
  before(async () => { server = await Server.fresh() })
  after(() => { closeAll(); return server.dispose() })

  test('a Quill editor and another client change one page, and both sides stay equal', async () => {
    const { Quill, QuillBinding, element } = await quillInAWindow()
    const name = 'AAAAAAAAAAAAAAAAAAAAAA'
    const other = await open('hocuspocus-provider-4', server, name, 'Ann')
    other.text.applyDelta([
      { insert: 'A heading' }, { insert: '\n', attributes: { header: 1 } },
      { insert: 'Plain and ' }, { insert: 'bold', attributes: { bold: true } }, { insert: '\n' },
      { insert: 'a point' }, { insert: '\n', attributes: { list: 'bullet' } }
    ])
    const client = await open('y-websocket-3', server, name, 'Ben')
    await until('the page came', () => client.text.length === other.text.length && client.text.length > 0)

    const quill = new Quill(element)
    const binding = new QuillBinding(client.text, quill, client.awareness)
    const shown = () => joined(quill.getContents().ops)
    const equal = () => isDeepStrictEqual(shown(), joined(other.text.toDelta()))
    const describe = () => `\nshown: ${JSON.stringify(shown())}\nthere: ${JSON.stringify(other.text.toDelta())}`
    await until('Quill shows the page', equal, { describe })

    quill.insertText(0, 'In Quill: ', 'user')
    quill.formatText(0, 8, { italic: true }, 'user')
    quill.formatLine(12, 1, { header: 2 }, 'user')
    await until('the other side follows', equal, { describe })

    // Both at once, and a block split on one side while its text is typed on the other.
    quill.insertText(quill.getText().indexOf('bold') + 2, '\n', 'user')
    const at = other.text.toString().indexOf('Plain')
    // With attributes said, even none: else Yjs gives the text those of the newline before it.
    other.text.insert(at, 'Still ', {})
    other.text.format(at, 5, { underline: true })
    other.text.insertEmbed(other.text.toString().indexOf('a point'), { image: 'https://example.org/a.png' }, {})
    await until('both are equal again', equal, { describe })
    assert.match(quill.getText(), /Still Plain and bo\nld/)

    quill.deleteText(0, 10, 'user')
    other.text.delete(0, 1)
    await until('after deleting on both sides too', equal, { describe })
    await until('and all of it is stored', () => client.unsynced() === 0 && other.unsynced() === 0)
    const reader = await open('y-websocket-1', server, name, 'late')
    await until('a newcomer sees the same', () => isDeepStrictEqual(joined(reader.text.toDelta()), shown()), { describe })
    binding.destroy()
    for (const one of [reader, client, other]) one.close()
  })
})
