// Blocks of a long page are drawn in groups, so that a key costs what its group costs and not what the page costs.
//
// With 10,000 blocks side by side the browser spends 80 ms on each key, most of it on layout, on watching which
// blocks are in view and on counting letters before the caret. A group that is out of view is passed over as one. Groups are marks on
// blocks: marks take no room, so every position stays what it is, and no group is ever told to the host.

import type { Mark, Node } from "prosemirror-model";
import { Plugin, type EditorState, type Transaction } from "prosemirror-state";
import { AddNodeMarkStep, type Step } from "prosemirror-transform";
import { schema } from "./schema";

/** Up to this many blocks there are no groups. */
export const SHORT_BLOCKS_MAX = 300;
/** Blocks in a new group, about; and the most it may grow to. */
const GROUP_BLOCKS = 64;
const GROUP_BLOCKS_MAX = 160;
/** Most blocks put into a group at once: each costs a copy of the list of blocks. */
const MOVES_MAX = 512;

let last = 0;
const fresh = (): Mark => schema.mark("group", { id: (last += 1) });
export const groupOf = (node: Node): Mark | undefined => node.marks[0];

/** Whether a group may begin with `node`: what is drawn as one with the block above stays with it. */
const begins = (node: Node, before: Node): boolean => node.type.name === "paragraph" && before.type.name === "paragraph";

/** `blocks` in groups, if there are many. */
export function grouped(blocks: readonly Node[]): Node[] {
  if (blocks.length <= SHORT_BLOCKS_MAX) return [...blocks];
  let [group, size] = [fresh(), 0];
  return blocks.map((node, i) => {
    if (size >= GROUP_BLOCKS && (size >= GROUP_BLOCKS_MAX || begins(node, blocks[i - 1]!))) [group, size] = [fresh(), 0];
    size += 1;
    return node.mark([group]);
  });
}

/** Whether `step` only changes groups: nobody else's business. */
export const isGrouping = (step: Step): boolean => step instanceof AddNodeMarkStep && step.mark.type === schema.marks.group;

/** Children of two documents that differ: `[first, end before, end after]`, or nothing. Groups don't count. */
export function changedBlocks(before: Node, after: Node): [first: number, endBefore: number, endAfter: number] | null {
  const same = (a: Node, b: Node): boolean => a === b || (a.hasMarkup(b.type, b.attrs, a.marks) && a.content.eq(b.content));
  let [first, endBefore, endAfter] = [0, before.childCount, after.childCount];
  while (first < endBefore && first < endAfter && same(before.child(first), after.child(first))) first += 1;
  while (endBefore > first && endAfter > first && same(before.child(endBefore - 1), after.child(endAfter - 1))) {
    endBefore -= 1;
    endAfter -= 1;
  }
  return first === endBefore && first === endAfter ? null : [first, endBefore, endAfter];
}

/** Gives new blocks the group of their neighbour, and splits a group that grew too large. */
function regroup(before: EditorState, after: EditorState): Transaction | null {
  const { doc } = after;
  if (doc.childCount <= SHORT_BLOCKS_MAX) return null;
  const changed = changedBlocks(before.doc, doc);
  if (!changed) return null;
  const [first, , end] = changed;
  const groups: (Mark | undefined)[] = [];
  const at = (i: number): Mark | undefined => (i < 0 || i >= doc.childCount ? undefined : (groups[i] ?? groupOf(doc.child(i))));
  for (let i = first; i < end; i += 1) if (!at(i)) groups[i] = at(i - 1) ?? groupOf(doc.child(Math.min(end, doc.childCount - 1))) ?? fresh();
  let [start, stop] = [first, Math.max(end, first + 1)];
  while (start > 0 && at(start - 1) === at(first)) start -= 1;
  while (stop < doc.childCount && at(stop) === at(stop - 1)) stop += 1;
  while (stop - start > GROUP_BLOCKS_MAX) {
    const group = fresh();
    for (let i = stop - GROUP_BLOCKS; i < stop; i += 1) groups[i] = group;
    stop -= GROUP_BLOCKS;
  }
  if (groups.length === 0) return null;
  const { tr } = after;
  doc.forEach((node, offset, i) => {
    const group = groups[i];
    if (group && groupOf(node) !== group && tr.steps.length < MOVES_MAX) tr.step(new AddNodeMarkStep(offset, group));
  });
  return tr.docChanged ? tr : null;
}

/** Keeps groups while people write. `composing` says when nothing may be drawn anew. */
export function groups(composing: () => boolean): Plugin {
  return new Plugin({
    appendTransaction: (transactions, before, after) =>
      transactions.some((tr) => tr.docChanged) && !composing() ? regroup(before, after) : null,
  });
}
