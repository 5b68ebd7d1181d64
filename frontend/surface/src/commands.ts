// What keys and menus do to blocks. Every command is one transaction.

import { Fragment, Slice, type Attrs, type Mark, type MarkType, type Node, type NodeType } from "prosemirror-model";
import { AllSelection, NodeSelection, Selection, TextSelection, type Command, type EditorState, type Transaction } from "prosemirror-state";
import { ReplaceStep } from "prosemirror-transform";
import { SHORT_BLOCKS_MAX, grouped } from "./groups";
import { isBreak, isCode, isList, keeping, sameBlock, schema } from "./schema";

/** How an edit is undone; the binding's `Join`. */
export type Join = "allowed" | "starts" | "alone" | "more";
export const JOIN = "sheaf-join";

const INDENT_MAX = 8;
const { paragraph, task, code, divider, embed } = schema.nodes as Record<"paragraph" | "task" | "code" | "divider" | "embed", NodeType>;

/** The text block the caret is in, and where it begins. */
export interface Here {
  node: Node;
  /** Position before the block. */
  at: number;
  index: number;
  before: Node | null;
  after: Node | null;
}

export function here(state: EditorState): Here | null {
  const { $head } = state.selection;
  if ($head.depth !== 1) return null;
  const index = $head.index(0);
  return {
    node: $head.parent,
    at: $head.before(1),
    index,
    before: state.doc.maybeChild(index - 1),
    after: state.doc.maybeChild(index + 1),
  };
}

const alone = (tr: Transaction): Transaction => tr.setMeta(JOIN, "alone");

/** Every text block the selection touches. */
export function touched(state: EditorState): { node: Node; at: number }[] {
  const { from, to } = state.selection;
  const blocks: { node: Node; at: number }[] = [];
  state.doc.nodesBetween(from, to, (node, at) => {
    if (node.isTextblock) blocks.push({ node, at });
    return false;
  });
  return blocks;
}

/** A name for a code block that must not run into its neighbour. */
function newFence(): string {
  return Math.floor(Math.random() * 36 ** 6).toString(36);
}

/** Turns the touched blocks into `kind`, or back into paragraphs if they all are that already. */
export function turnInto(kind: string, attrs: Attrs = {}): Command {
  return (state, dispatch) => {
    const blocks = touched(state);
    if (blocks.length === 0) return false;
    const already = blocks.every(
      ({ node }) => node.type.name === kind && (kind !== "heading" || node.attrs.level === attrs.level),
    );
    const type = already ? paragraph : schema.nodes[kind];
    if (!type || !dispatch) return !!type;
    const tr = state.tr;
    let own: Attrs = already ? {} : attrs;
    if (type === code && !already) {
      const first = state.doc.resolve(blocks[0]!.at).nodeBefore;
      const last = blocks[blocks.length - 1]!;
      const next = state.doc.resolve(last.at + last.node.nodeSize).nodeAfter;
      const plain = type.create(keeping(blocks[0]!.node, own));
      if (sameBlock(first, plain) || sameBlock(next, plain)) own = { ...own, fence: newFence() };
    }
    for (const { node, at } of blocks) tr.setNodeMarkup(at, type, keeping(node, own));
    if (type === code) dissolveBreaks(tr, blocks);
    dispatch(alone(tr).scrollIntoView());
    return true;
  };
}

/** A line break inside a block becomes a block boundary where the block became code. */
function dissolveBreaks(tr: Transaction, blocks: { at: number }[]): void {
  for (const { at } of [...blocks].reverse()) {
    const node = tr.doc.nodeAt(at);
    if (!node) continue;
    const breaks: number[] = [];
    node.forEach((child, offset) => void (isBreak(child) && breaks.push(at + 1 + offset)));
    for (const position of breaks.reverse()) {
      const half = node.type.create(node.attrs);
      tr.step(new ReplaceStep(position, position + 1, new Slice(Fragment.from([half, half]), 1, 1)));
    }
  }
}

/** Sets attributes on every touched block. */
export function setOnBlocks(attrs: (node: Node) => Attrs | null): Command {
  return (state, dispatch) => {
    const tr = state.tr;
    for (const { node, at } of touched(state)) {
      const set = attrs(node);
      if (set) tr.setNodeMarkup(at, null, { ...node.attrs, ...set });
    }
    if (!tr.docChanged) return false;
    dispatch?.(alone(tr).scrollIntoView());
    return true;
  };
}

export const toggleQuote: Command = (state, dispatch) => {
  const all = touched(state).every(({ node }) => node.attrs.quoted);
  return setOnBlocks((node) => (node.attrs.quoted === all ? { quoted: !all } : null))(state, dispatch);
};

/** Puts a divider in place of an empty block, or below the one the caret is in; the caret goes below it. */
export const insertDivider: Command = (state, dispatch) => {
  const place = here(state);
  if (!place) return false;
  const { node, at, after } = place;
  const tr = state.tr;
  const end = at + node.nodeSize;
  const line = divider!.create(keeping(node, { indent: 0, align: null }));
  const nodes = after ? [line] : [line, paragraph!.create({ quoted: node.attrs.quoted })];
  const from = node.content.size === 0 ? at : end;
  tr.step(new ReplaceStep(from, end, new Slice(Fragment.from(nodes), 0, 0)));
  tr.setSelection(Selection.near(tr.doc.resolve(from + 1)));
  dispatch?.(alone(tr).scrollIntoView());
  return true;
};

export const insertBreak: Command = (state, dispatch) => {
  const place = here(state);
  if (!place || isCode(place.node)) return false;
  dispatch?.(state.tr.replaceSelectionWith(embed!.create({ value: { break: true } }), false).scrollIntoView());
  return true;
};

/** What a block becomes when nothing of its kind should be left, a step at a time. */
function plainer(node: Node): { type: NodeType; attrs: Attrs } | null {
  if (isList(node) && Number(node.attrs.indent) > 0) {
    return { type: node.type, attrs: { ...node.attrs, indent: Number(node.attrs.indent) - 1 } };
  }
  if (node.type !== paragraph) return { type: paragraph, attrs: keeping(node) };
  if (Number(node.attrs.indent) > 0) return { type: paragraph, attrs: { ...node.attrs, indent: Number(node.attrs.indent) - 1 } };
  if (node.attrs.quoted) return { type: paragraph, attrs: { ...node.attrs, quoted: false } };
  return null;
}

/** Enter in code: the next line begins where this one did; on the second empty line at the end, out of the block. */
function enterInCode(state: EditorState, place: Here, dispatch?: (tr: Transaction) => void): boolean {
  const { node, at, before, after } = place;
  if (
    state.selection.empty && before && node.textContent.trim() === "" && before.textContent.trim() === "" &&
    sameBlock(before, node) && !sameBlock(node, after)
  ) {
    const tr = state.tr.delete(at + 1, at + 1 + node.content.size).delete(at - before.nodeSize, at);
    dispatch?.(alone(tr.setNodeMarkup(at - before.nodeSize, paragraph, keeping(node))).scrollIntoView());
    return true;
  }
  const lead = node.textBetween(0, state.selection.$from.parentOffset);
  const indent = /^[ \t]*/.exec(lead)![0];
  const tr = state.tr.deleteSelection();
  const { pos } = tr.selection.$from;
  const line = tr.selection.$from.parent;
  const next = line.type.create({ ...line.attrs, joined: true }, indent ? schema.text(indent) : null);
  tr.step(new ReplaceStep(pos, pos, new Slice(Fragment.from([line.type.create(line.attrs), next]), 1, 1)));
  tr.setSelection(TextSelection.create(tr.doc, pos + 2 + indent.length));
  dispatch?.(tr.setMeta(JOIN, "starts").scrollIntoView());
  return true;
}

export const enter: Command = (state, dispatch) => {
  const place = here(state);
  if (!place || !(state.selection instanceof TextSelection)) return enterAtDivider(state, dispatch);
  const { node, at } = place;
  if (state.selection.$from.sameParent(state.selection.$to) && isCode(node)) return enterInCode(state, place, dispatch);
  if (state.selection.empty && node.content.size === 0) {
    const less = isList(node) || node.attrs.quoted ? plainer(node) : null;
    if (less) {
      dispatch?.(alone(state.tr.setNodeMarkup(at, less.type, less.attrs)).scrollIntoView());
      return true;
    }
  }
  const tr = state.tr.deleteSelection();
  const { $from } = tr.selection;
  if ($from.depth !== 1) return false;
  const block = $from.parent;
  const pos = $from.pos;
  const atEnd = $from.parentOffset === block.content.size;
  if ($from.parentOffset === 0 && !atEnd) {
    // Nothing stands before the caret: the block moves down whole, and stays what it is for everybody.
    const type = isList(block) || isCode(block) ? block.type : paragraph!;
    const attrs = type === block.type ? { ...block.attrs, done: false } : keeping(block);
    tr.insert($from.before(1), type.create(attrs, null, block.marks));
  } else {
    const goesOn = !atEnd || isList(block) || block.type.name === "callout";
    const type = goesOn ? block.type : paragraph!;
    const attrs = goesOn ? { ...block.attrs, done: false, start: null } : keeping(block);
    // With the group of its neighbour from the start: one transaction less for each line.
    const halves = Fragment.from([block.type.create(block.attrs), type.create(attrs, null, block.marks)]);
    tr.step(new ReplaceStep(pos, pos, new Slice(halves, 1, 1)));
    tr.setSelection(TextSelection.create(tr.doc, pos + 2));
    const marks = state.storedMarks ?? (atEnd ? $from.marks().filter((mark) => mark.type.name !== "link" && mark.type.name !== "monospace") : null);
    if (marks?.length) tr.setStoredMarks(marks);
  }
  dispatch?.(tr.setMeta(JOIN, "starts").scrollIntoView());
  return true;
};

/** Enter on a selected divider opens a paragraph below it. */
function enterAtDivider(state: EditorState, dispatch?: (tr: Transaction) => void): boolean {
  const { selection } = state;
  if (selection instanceof AllSelection) {
    dispatch?.(alone(state.tr.deleteSelection()).scrollIntoView());
    return true;
  }
  if (!(selection instanceof NodeSelection) || !selection.node.isBlock) return false;
  const tr = state.tr.insert(selection.to, paragraph!.create());
  tr.setSelection(TextSelection.create(tr.doc, selection.to + 1));
  dispatch?.(alone(tr).scrollIntoView());
  return true;
}

/** Out of a block by one key: a paragraph below it. In a list: the box is ticked. */
export const modEnter: Command = (state, dispatch) => {
  const place = here(state);
  if (!place) return false;
  const blocks = touched(state);
  if (blocks.some(({ node }) => node.type === task)) {
    const done = !blocks.every(({ node }) => node.type !== task || node.attrs.done);
    return setOnBlocks((node) => (node.type === task ? { done } : null))(state, dispatch);
  }
  let end = place.at + place.node.nodeSize;
  for (let i = place.index + 1; sameBlock(state.doc.maybeChild(i), place.node); i++) end += state.doc.child(i).nodeSize;
  const tr = state.tr.insert(end, paragraph!.create({ quoted: place.node.attrs.quoted }));
  dispatch?.(alone(tr.setSelection(TextSelection.create(tr.doc, end + 1))).scrollIntoView());
  return true;
};

export const backspace: Command = (state, dispatch) => {
  const place = here(state);
  if (!place || !state.selection.empty || state.selection.$head.parentOffset > 0) return false;
  const { node, at, before } = place;
  const less = isCode(node) && sameBlock(before, node) ? null : node.type === paragraph || !isList(node) ? plainer(node) : { type: paragraph, attrs: keeping(node) };
  if (less) {
    dispatch?.(alone(state.tr.setNodeMarkup(at, less.type, less.attrs)).scrollIntoView());
    return true;
  }
  if (!before) return true;
  const tr = state.tr;
  if (before.isLeaf || before.content.size === 0) tr.delete(at - before.nodeSize, at);
  else tr.step(new ReplaceStep(at - 1, at + 1, Slice.empty));
  dispatch?.(alone(tr).scrollIntoView());
  return true;
};

export const deleteForward: Command = (state, dispatch) => {
  const place = here(state);
  if (!place || !state.selection.empty || state.selection.$head.parentOffset < place.node.content.size) return false;
  const { node, at, after } = place;
  if (!after) return true;
  const end = at + node.nodeSize;
  const tr = state.tr;
  if (after.isLeaf) tr.delete(end, end + after.nodeSize);
  else if (node.content.size === 0) {
    tr.delete(at, end).setSelection(TextSelection.create(tr.doc, at + 1));
  } else tr.step(new ReplaceStep(end - 1, end + 1, Slice.empty));
  dispatch?.(alone(tr).scrollIntoView());
  return true;
};

/** The items of a list that stand below the one at `at`, deeper than it. */
function hanging(doc: Node, { node, at }: { node: Node; at: number }): { node: Node; at: number }[] {
  const below: { node: Node; at: number }[] = [];
  if (!isList(node)) return below;
  let position = at + node.nodeSize;
  for (let next = doc.nodeAt(position); next && isList(next) && next.attrs.indent > node.attrs.indent; next = doc.nodeAt(position)) {
    below.push({ node: next, at: position });
    position += next.nodeSize;
  }
  return below;
}

/** Tab: deeper or less deep, at most one step below what stands above. In code: two spaces. */
export function indent(by: 1 | -1): Command {
  return (state, dispatch) => {
    const blocks = touched(state);
    if (blocks.length === 0) return false;
    if (blocks.every(({ node }) => isCode(node))) return indentCode(by, blocks)(state, dispatch);
    if (!blocks.some(({ node }) => isList(node))) return false;
    const tr = state.tr;
    let above = state.doc.resolve(blocks[0]!.at).nodeBefore;
    const shift = ({ node, at }: { node: Node; at: number }): boolean => {
      const most = above && isList(above) ? Number(above.attrs.indent) + 1 : 0;
      const now = Number(node.attrs.indent);
      const wanted = Math.max(0, Math.min(now + by, by > 0 ? Math.max(most, now) : INDENT_MAX, INDENT_MAX));
      if (wanted !== now) tr.setNodeMarkup(at, null, { ...node.attrs, indent: wanted });
      above = tr.doc.nodeAt(at);
      return wanted !== now;
    };
    const moved = blocks.map(shift);
    // What hangs below the last of them goes where it goes.
    if (moved[moved.length - 1]) hanging(state.doc, blocks[blocks.length - 1]!).forEach(shift);
    if (tr.docChanged) dispatch?.(alone(tr).scrollIntoView());
    // The key belongs to lists even where it changes nothing; otherwise it would leave the page.
    return true;
  };
}

function indentCode(by: 1 | -1, blocks: { node: Node; at: number }[]): Command {
  return (state, dispatch) => {
    const tr = state.tr;
    if (by > 0 && state.selection.empty) tr.insertText("  ");
    else {
      for (const { node, at } of [...blocks].reverse()) {
        if (by > 0) tr.insertText("  ", at + 1);
        else {
          const spaces = /^( {1,2}|\t)/.exec(node.textContent)?.[0].length ?? 0;
          if (spaces) tr.delete(at + 1, at + 1 + spaces);
        }
      }
    }
    if (tr.docChanged) dispatch?.(tr);
    return true;
  };
}

export function toggle(type: MarkType): Command {
  return (state, dispatch) => {
    const { from, to, empty, $from } = state.selection;
    if (touched(state).every(({ node }) => isCode(node))) return false;
    if (!dispatch) return true;
    const tr = state.tr;
    if (empty) {
      const active = type.isInSet(state.storedMarks ?? $from.marks());
      dispatch(active ? tr.removeStoredMark(type) : tr.addStoredMark(type.create()));
      return true;
    }
    if (everywhere(state, type)) tr.removeMark(from, to, type);
    else for (const { node, at } of touched(state)) {
      if (!isCode(node)) tr.addMark(Math.max(from, at + 1), Math.min(to, at + 1 + node.content.size), type.create());
    }
    dispatch(alone(tr));
    return true;
  };
}

/** Whether all text of the selection carries the mark. */
export function everywhere(state: EditorState, type: MarkType): boolean {
  const { from, to, empty, $from } = state.selection;
  if (empty) return !!type.isInSet(state.storedMarks ?? $from.marks());
  let some = false;
  let all = true;
  state.doc.nodesBetween(from, to, (node) => {
    if (node.isText) {
      some = true;
      if (!type.isInSet(node.marks)) all = false;
    }
  });
  return some && all;
}

/** The link around or in the selection, and how far it goes. */
export function linkAt(state: EditorState): { from: number; to: number; mark: Mark } | null {
  const { $from, from, to } = state.selection;
  if ($from.depth !== 1) return null;
  const type = schema.marks.link!;
  const start = $from.start();
  let found: { from: number; to: number; mark: Mark } | null = null;
  $from.parent.forEach((node, offset) => {
    const mark = type.isInSet(node.marks);
    const [at, end] = [start + offset, start + offset + node.nodeSize];
    if (!mark) return;
    if (found && found.to === at && found.mark.eq(mark)) found.to = end;
    else if (!found || found.to < from) found = { from: at, to: end, mark };
  });
  const link = found as { from: number; to: number; mark: Mark } | null;
  return link && link.from <= from && link.to >= to ? link : null;
}

export function setLink(from: number, to: number, href: string | null): Command {
  return (state, dispatch) => {
    const tr = state.tr.removeMark(from, to, schema.marks.link!);
    if (href !== null) tr.addMark(from, to, schema.mark("link", { href }));
    dispatch?.(alone(tr));
    return true;
  };
}

/**
 * Takes the touched blocks, and what hangs below them in a list, past the block above or below. What they pass is not
 * written anew: whoever types there goes on undisturbed.
 */
export function move(by: 1 | -1): Command {
  return (state, dispatch) => {
    const { doc, selection } = state;
    const [$start, $end] = [doc.resolve(selection.from), doc.resolve(selection.to)];
    const first = $start.index(0);
    let last = $end.depth > 0 ? $end.index(0) : Math.max(first, $end.index(0) - 1);
    const own = doc.child(first);
    const depth = (i: number): number => (i >= 0 && i < doc.childCount && isList(doc.child(i)) ? Number(doc.child(i).attrs.indent) : -1);
    if (isList(own)) while (depth(last + 1) > depth(first)) last += 1;
    // In a list an item passes another with all that hangs below that one.
    let target = by < 0 ? first - 1 : last + 1;
    if (isList(own) && by < 0) while (target > 0 && depth(target) > depth(first)) target -= 1;
    if (isList(own) && by > 0 && depth(target) >= depth(first)) while (depth(target + 1) > depth(first)) target += 1;
    if (target < 0 || target >= doc.childCount) return true;
    const at = (block: number): number => {
      let position = 0;
      for (let i = 0; i < block; i += 1) position += doc.child(i).nodeSize;
      return position;
    };
    const [from, to] = [at(first), at(last + 1)];
    const blocks: Node[] = [];
    for (let i = first; i <= last; i += 1) blocks.push(doc.child(i).mark([]));
    const there = by < 0 ? at(target) : at(target + 1);
    const tr = state.tr.step(new ReplaceStep(there, there, new Slice(Fragment.from(blocks), 0, 0)));
    tr.delete(tr.mapping.map(from, 1), tr.mapping.map(to, -1));
    const start = by < 0 ? there : there - (to - from);
    const [anchor, head] = [selection.anchor - from + start, selection.head - from + start];
    tr.setSelection(selection instanceof NodeSelection ? NodeSelection.create(tr.doc, start) : TextSelection.create(tr.doc, anchor, head));
    dispatch?.(alone(tr).scrollIntoView());
    return true;
  };
}

/** First the code block the caret is in, then everything. */
export const selectAll: Command = (state, dispatch) => {
  const place = here(state);
  const { doc, selection } = state;
  if (place && isCode(place.node)) {
    let [from, to] = [place.at, place.at + place.node.nodeSize];
    for (let i = place.index - 1; sameBlock(doc.maybeChild(i), place.node); i--) from -= doc.child(i).nodeSize;
    for (let i = place.index + 1; sameBlock(doc.maybeChild(i), place.node); i++) to += doc.child(i).nodeSize;
    if (from + 1 < selection.from || to - 1 > selection.to) {
      dispatch?.(state.tr.setSelection(TextSelection.create(doc, from + 1, to - 1)));
      return true;
    }
  }
  // A range of text can't take in a divider at either end.
  const isText = doc.firstChild!.isTextblock && doc.lastChild!.isTextblock;
  const all = isText ? TextSelection.between(Selection.atStart(doc).$from, Selection.atEnd(doc).$to) : new AllSelection(doc);
  dispatch?.(state.tr.setSelection(all));
  return true;
};

/** Puts blocks in place of a range, as pasting does: text joins text, and what has a kind keeps it. */
export function replaceWithBlocks(tr: Transaction, from: number, to: number, nodes: Node[]): void {
  const [$from, $to] = [tr.doc.resolve(from), tr.doc.resolve(to)];
  const [first] = nodes;
  const last = nodes[nodes.length - 1];
  if (!first || !last) return;
  if ($from.depth === 0 || $to.depth === 0) {
    tr.replaceRange(from, to, new Slice(Fragment.from(nodes), 0, 0));
    return;
  }
  const own = $from.parent;
  // An empty line that is nothing yet becomes what is pasted, its quotation and indent included.
  const isNothing = own.content.size === 0 && plainer(own) === null && $from.sameParent($to);
  if (nodes.length === 1 && (first.type === paragraph || first.type === own.type) && first.isTextblock && !isNothing) {
    tr.replaceWith(from, to, first.content);
    return;
  }
  const list = [...nodes];
  let start = from;
  let openStart = 1;
  if ($from.parentOffset === 0 && (own.type === paragraph || first.type !== paragraph)) {
    start = $from.before(1);
    openStart = 0;
  } else if (first.type !== paragraph && first.type !== own.type) list.unshift(own.type.create(own.attrs));
  if (last.isLeaf) list.push(paragraph!.create({ quoted: own.attrs.quoted }));
  else if ($to.parentOffset < $to.parent.content.size && last.type !== paragraph && last.type !== $to.parent.type) {
    list.push($to.parent.type.create($to.parent.attrs));
  }
  const ended = start + list.reduce((size, node) => size + node.nodeSize, 0) - openStart - 1;
  tr.step(new ReplaceStep(start, to, new Slice(Fragment.from(grouped(list)), openStart, 1)));
  tr.setSelection(Selection.near(tr.doc.resolve(ended), -1));
}

/** On a page drawn in groups, puts the caret at one end, or stretches the selection as far. */
export function goTo(where: "start" | "end", how: "move" | "extend"): Command {
  return (state, dispatch) => {
    const { doc, selection } = state;
    if (doc.childCount <= SHORT_BLOCKS_MAX) return false;
    const there = where === "start" ? Selection.atStart(doc) : Selection.atEnd(doc);
    const to = how === "extend" && selection instanceof TextSelection && there instanceof TextSelection ? TextSelection.create(doc, selection.anchor, there.head) : there;
    dispatch?.(state.tr.setSelection(to).scrollIntoView());
    return true;
  };
}
