// Steps and blocks as the JSON that crosses to Rust. `frontend/binding/src/codec.rs` is the twin and holds the grammar.

import { Fragment, Slice, type Mark, type Node } from "prosemirror-model";
import type { Transaction } from "prosemirror-state";
import {
  AddMarkStep,
  AddNodeMarkStep,
  AttrStep,
  RemoveMarkStep,
  RemoveNodeMarkStep,
  ReplaceAroundStep,
  ReplaceStep,
  type Step,
} from "prosemirror-transform";
import { grouped, isGrouping } from "./groups";
import { schema } from "./schema";

type Json = unknown;
export type Look = { kind: string } & Record<string, Json>;
export type Piece = string | [string, Record<string, Json>] | { embed: Json; attrs?: Record<string, Json> };
export type Block = [Look, Piece[]];
export type WireStep =
  | ["r", number, number, boolean, boolean, Block[]]
  | ["b", number, Look]
  | ["m", number, number, string, Json];

const PLAIN: Look = { kind: "paragraph" };
/** Marks that are there or not: stored name and name in the schema. */
const FLAGS: Record<string, string> = { bold: "bold", italic: "italic", underline: "underline", strike: "strike", code: "monospace" };

function lookOf(node: Node): Look {
  const look: Look = { kind: node.type.name };
  for (const [key, value] of Object.entries(node.attrs)) {
    if (value !== null && value !== false && value !== 0 && key !== "value") look[key] = value;
  }
  return look;
}

function attrsOf(marks: readonly Mark[]): Record<string, Json> {
  const attrs: Record<string, Json> = {};
  for (const mark of marks) {
    const [key, value] = attrOf(mark);
    attrs[key] = value;
  }
  return attrs;
}

function attrOf(mark: Mark): [string, Json] {
  switch (mark.type.name) {
    case "link":
      return ["link", mark.attrs.href];
    case "highlight":
      return ["highlight", mark.attrs.colour];
    case "other":
      return [String(mark.attrs.key), mark.attrs.value];
    case "monospace":
      return ["code", true];
    default:
      return [mark.type.name, true];
  }
}

/** The mark an attribute is drawn as. What it can't draw as stored it keeps as `other`. */
function markOf(key: string, value: Json): Mark {
  if (FLAGS[key] && value === true) return schema.mark(FLAGS[key]);
  if (key === "link" && typeof value === "string") return schema.mark("link", { href: value });
  if (key === "highlight" && typeof value === "string") return schema.mark("highlight", { colour: value });
  return schema.mark("other", { key, value });
}

const marksOf = (attrs: Record<string, Json>): Mark[] => Object.entries(attrs).map(([key, value]) => markOf(key, value));

function pieceOf(node: Node): Piece {
  const attrs = attrsOf(node.marks);
  const marked = Object.keys(attrs).length > 0;
  if (node.isText) return marked ? [node.text ?? "", attrs] : (node.text ?? "");
  return marked ? { embed: node.attrs.value, attrs } : { embed: node.attrs.value };
}

function piecesOf(content: Fragment): Piece[] {
  const pieces: Piece[] = [];
  content.forEach((node) => void pieces.push(pieceOf(node)));
  return pieces;
}

export function blockOf(node: Node): Block {
  return [lookOf(node), node.isTextblock ? piecesOf(node.content) : [{ embed: node.attrs.value }]];
}

function inlineFrom(piece: Piece): Node {
  if (typeof piece === "string") return schema.text(piece);
  if (Array.isArray(piece)) return schema.text(piece[0], marksOf(piece[1]));
  return schema.node("embed", { value: piece.embed }, undefined, marksOf(piece.attrs ?? {}));
}

export function nodeFrom([look, pieces]: Block): Node {
  const { kind, ...attrs } = look;
  const type = schema.nodes[kind] ?? schema.nodes.paragraph!;
  if (type.isLeaf) {
    const [piece] = pieces;
    const value = typeof piece === "object" && !Array.isArray(piece) ? piece.embed : undefined;
    return type.create(value === undefined ? attrs : { ...attrs, value });
  }
  const inline = pieces.filter((piece) => piece !== "" && !(Array.isArray(piece) && piece[0] === ""));
  return type.create(attrs, inline.map(inlineFrom));
}

export function docFrom(blocks: Block[]): Node {
  return schema.node("doc", null, grouped(blocks.map(nodeFrom)));
}

function replaceOf(from: number, to: number, slice: Slice): WireStep {
  const { content, openStart, openEnd } = slice;
  if (content.size === 0) return ["r", from, to, false, false, []];
  if (content.firstChild!.isInline) return ["r", from, to, true, true, [[PLAIN, piecesOf(content)]]];
  const blocks: Block[] = [];
  content.forEach((node) => void blocks.push(blockOf(node)));
  return ["r", from, to, openStart > 0, openEnd > 0, blocks];
}

/** What `step` does to `before`. */
function stepOf(step: Step, before: Node, after: Node): WireStep {
  if (step instanceof ReplaceStep) return replaceOf(step.from, step.to, step.slice);
  if (step instanceof ReplaceAroundStep) {
    const node = before.nodeAt(step.from);
    if (node?.isTextblock && step.to === step.from + node.nodeSize && step.gapFrom === step.from + 1 && step.gapTo === step.to - 1) {
      return ["b", step.from, lookOf(after.nodeAt(step.from)!)];
    }
    const end = step.getMap().map(step.to);
    return replaceOf(step.from, step.to, after.slice(step.from, end));
  }
  if (step instanceof AttrStep) return ["b", step.pos, lookOf(after.nodeAt(step.pos)!)];
  if (step instanceof AddMarkStep) return ["m", step.from, step.to, ...attrOf(step.mark)];
  if (step instanceof RemoveMarkStep) return ["m", step.from, step.to, attrOf(step.mark)[0], null];
  if (step instanceof AddNodeMarkStep) return ["m", step.pos, step.pos + 1, ...attrOf(step.mark)];
  if (step instanceof RemoveNodeMarkStep) return ["m", step.pos, step.pos + 1, attrOf(step.mark)[0], null];
  throw new Error("the editor made a step that has no word");
}

export function stepsOf(tr: Transaction): WireStep[] {
  return tr.steps.flatMap((step, i) => (isGrouping(step) ? [] : [stepOf(step, tr.docs[i]!, tr.docs[i + 1] ?? tr.doc)]));
}

/** Whether `position` stands between the two halves of a character that takes two units. */
function cutsCharacter(doc: Node, position: number): boolean {
  const $position = doc.resolve(position);
  const low = $position.nodeAfter?.text?.charCodeAt(0) ?? 0;
  if (low < 0xdc00 || low > 0xdfff) return false;
  const high = $position.nodeBefore?.text?.slice(-1).charCodeAt(0) ?? 0;
  return high >= 0xd800 && high <= 0xdbff;
}

/** Whether all steps begin and end between characters: then nobody needs to look for that in the whole page. */
export function keepsCharacters(tr: Transaction): boolean {
  return tr.steps.every((step, i) => {
    if (!(step instanceof ReplaceStep || step instanceof AddMarkStep || step instanceof RemoveMarkStep)) return true;
    const before = tr.docs[i]!;
    return !cutsCharacter(before, step.from) && (step.to === step.from || !cutsCharacter(before, step.to));
  });
}

function sliceFrom(openStart: boolean, openEnd: boolean, blocks: Block[]): Slice {
  const nodes = grouped(blocks.map(nodeFrom));
  if (openStart && openEnd && nodes.length === 1) return new Slice(nodes[0]!.content, 0, 0);
  return new Slice(Fragment.from(nodes), openStart ? 1 : 0, openEnd ? 1 : 0);
}

/** Adds to `tr` what `step` says. */
export function applyStep(tr: Transaction, step: WireStep): void {
  switch (step[0]) {
    case "r": {
      const [, from, to, openStart, openEnd, blocks] = step;
      tr.step(new ReplaceStep(from, to, sliceFrom(openStart, openEnd, blocks)));
      return;
    }
    case "b": {
      const [, at, { kind, ...attrs }] = step;
      tr.setNodeMarkup(at, schema.nodes[kind], attrs);
      return;
    }
    case "m":
      applyMark(tr, step[1], step[2], step[3], step[4]);
  }
}

function applyMark(tr: Transaction, from: number, to: number, key: string, value: Json): void {
  // Whatever was drawn for the key goes, as one key has one value.
  const known = schema.marks[FLAGS[key] ?? key];
  if (known && known.name !== "other") tr.removeMark(from, to, known);
  const stale: [number, number, Mark][] = [];
  tr.doc.nodesBetween(from, to, (node, at) => {
    if (!node.isInline) return;
    for (const mark of node.marks) {
      if (mark.type.name === "other" && mark.attrs.key === key) {
        stale.push([Math.max(from, at), Math.min(to, at + node.nodeSize), mark]);
      }
    }
  });
  for (const [start, end, mark] of stale) tr.removeMark(start, end, mark);
  if (value !== null) tr.addMark(from, to, markOf(key, value));
}

/** The text `steps` put in, a line for each block. */
export function wordsIn(steps: WireStep[]): string {
  const blocks = steps.flatMap((step) => (step[0] === "r" ? step[5] : []));
  return blocks.map(([, pieces]) => pieces.map((piece) => (typeof piece === "string" ? piece : Array.isArray(piece) ? piece[0] : "")).join("")).join("\n");
}
