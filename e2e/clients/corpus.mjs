// Honest updates made by Yjs itself, as a fixture for the byte gate's tests: seeded random edits of every kind, and what
// Yjs makes of them when it merges, cuts, collects garbage, undoes, and encodes with predecessors missing.
//
// `npm run fixtures` writes the small committed corpus. `node corpus.mjs 200000 FILE` writes a large one;
// `SHEAF_YJS_UPDATES=FILE cargo test -p sheaf-shared --test gate yjs` checks it.

import { createWriteStream } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as Y from 'yjs'

const wanted = Number(process.argv[2] ?? 500)
const file = process.argv[3] ?? fileURLToPath(new URL('../../shared/tests/fixtures/yjs-updates.txt', import.meta.url))

/** Seeded chance (mulberry32): the same corpus every time. */
function chanceFrom (seed) {
  const next = () => {
    seed = (seed + 0x6d2b79f5) | 0
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (n) => Math.floor(next() * n)
  return { next, below, oneOf: (list) => list[below(list.length)] }
}

const LETTERS = [...'abcdefghij   \nklmnop', 'é', 'Ж', '中', '😀', '👍🏽', '\u200d']

function text (chance, most) {
  return Array.from({ length: 1 + chance.below(most) }, () => chance.oneOf(LETTERS)).join('')
}

function value (chance, depth = 0) {
  switch (chance.below(depth < 3 ? 12 : 9)) {
    case 0: return null
    case 1: return chance.next() < 0.5
    case 2: return chance.below(200) - 100
    case 3: return chance.next() * 1e6
    case 4: return 2 ** 31 + chance.below(1000)
    case 5: return -(2 ** 40)
    case 6: return text(chance, 12)
    case 7: return chance.below(2) ? -0 : 0.5
    case 8: return new Uint8Array(chance.below(9)).fill(7)
    case 9: return Array.from({ length: chance.below(4) }, () => value(chance, depth + 1))
    case 10: return { [text(chance, 3)]: value(chance, depth + 1), b: undefined }
    // Not at the top: Yjs refuses to put a big integer right into an array.
    default: return [BigInt(chance.below(1000)) * 10n ** 12n]
  }
}

/** A value that is also lawful inside JSON, where embeds and marks are kept. */
function plain (chance) {
  return chance.oneOf([true, null, 3, 'text', { image: 'https://example.org/ü.png' }, [1, { deep: [null] }], ''])
}

function shared (chance) {
  switch (chance.below(5)) {
    case 0: return new Y.Text(text(chance, 6))
    case 1: return new Y.Map([['a', value(chance)], ['b', value(chance)]])
    case 2: return Y.Array.from([value(chance), value(chance)])
    case 3: { const element = new Y.XmlElement(chance.oneOf(['p', 'ul', '表'])); element.setAttribute('level', 'é'); return element }
    default: return new Y.XmlText(text(chance, 4))
  }
}

function editText (type, chance) {
  const at = chance.below(type.length + 1)
  const run = Math.min(1 + chance.below(12), type.length - at)
  switch (chance.below(7)) {
    case 0: case 1: return type.insert(at, text(chance, 10))
    case 2: return type.insert(at, text(chance, 6), { bold: true, [chance.oneOf(['link', 'header'])]: plain(chance) })
    case 3: return run > 0 && type.delete(at, run)
    case 4: return run > 0 && type.format(at, run, { italic: chance.oneOf([true, null]), list: plain(chance) })
    case 5: return type.insertEmbed(at, { formula: text(chance, 5), n: plain(chance) }, chance.below(2) ? { bold: true } : {})
    default: return type.applyDelta([{ retain: at }, { insert: text(chance, 40), attributes: { code: true } }])
  }
}

function editMap (type, chance) {
  const key = chance.oneOf(['a', 'b', 'ключ', ''])
  const inner = type.get(key)
  if (inner instanceof Y.AbstractType && chance.below(2)) return edit(inner, chance)
  if (chance.below(5) === 0) return type.delete(key)
  type.set(key, chance.below(3) ? value(chance) : shared(chance))
}

function editList (type, chance) {
  const at = chance.below(type.length + 1)
  const inner = type.length > at ? type.get(at) : null
  if (inner instanceof Y.AbstractType && chance.below(2)) return edit(inner, chance)
  if (inner !== null && chance.below(4) === 0) return type.delete(at, 1)
  if (type instanceof Y.XmlFragment) return type.insert(at, [chance.below(2) ? new Y.XmlElement('p') : new Y.XmlText(text(chance, 5))])
  type.insert(at, chance.below(3) ? [value(chance), value(chance)] : [shared(chance)])
}

function edit (type, chance) {
  if (type instanceof Y.Text) return editText(type, chance)
  if (type instanceof Y.Map) return editMap(type, chance)
  if (type instanceof Y.XmlElement && chance.below(4) === 0) return type.setAttribute(chance.oneOf(['class', 'id']), text(chance, 3))
  return editList(type, chance)
}

function editSomewhere (doc, chance) {
  doc.transact(() => {
    for (let times = 1 + chance.below(3); times > 0; times--) {
      switch (chance.below(5)) {
        case 0: case 1: edit(doc.getText('content'), chance); break
        case 2: edit(doc.getMap('meta'), chance); break
        case 3: edit(doc.getArray('rows'), chance); break
        default: edit(doc.getXmlFragment('xml'), chance)
      }
    }
  }, 'me')
}

const out = createWriteStream(file)
let written = 0
const seen = new Set()
function keep (update) {
  const hex = Buffer.from(update).toString('hex')
  // The small corpus is read by people now and then: no line of it is long, and none is there twice.
  if (hex.length > 6000 || seen.has(hex) || written >= wanted) return
  if (wanted < 10_000) seen.add(hex)
  out.write(hex + '\n')
  written++
}

function session (seed) {
  const chance = chanceFrom(seed)
  const updates = []
  const docs = Array.from({ length: 3 }, (_, place) => {
    const doc = new Y.Doc({ gc: place !== 2 || seed % 2 === 0 })
    doc.clientID = chance.below(2 ** 32)
    const undo = new Y.UndoManager([doc.getText('content'), doc.getMap('meta')], { trackedOrigins: new Set(['me']), captureTimeout: 0 })
    doc.on('update', (update, origin) => {
      if (origin === 'network') return
      keep(update)
      updates.push(update)
    })
    return { doc, undo }
  })
  for (let step = 0; step < 40 && written < wanted; step++) {
    const { doc, undo } = chance.oneOf(docs)
    switch (chance.below(10)) {
      case 0: undo.undo(); break
      case 1: undo.redo(); break
      case 2: case 3: {
        const other = chance.oneOf(docs).doc
        const update = Y.encodeStateAsUpdate(other, Y.encodeStateVector(doc))
        keep(update)
        Y.applyUpdate(doc, update, 'network')
        break
      }
      case 4: {
        // Some updates, out of order and with others missing: skips, and blocks put aside.
        const some = updates.filter(() => chance.below(2)).slice(-8)
        if (some.length === 0) break
        const merged = Y.mergeUpdates(some)
        keep(merged)
        keep(Y.diffUpdate(merged, Y.encodeStateVector(doc)))
        const stranger = new Y.Doc()
        Y.applyUpdate(stranger, merged, 'network')
        keep(Y.encodeStateAsUpdate(stranger))
        break
      }
      default: editSomewhere(doc, chance)
    }
  }
  for (const { doc } of docs) keep(Y.encodeStateAsUpdate(doc))
}

for (let seed = 1; written < wanted; seed++) session(seed)
out.end(() => console.log(`${written} updates by Yjs in ${file}`))
