// The numbers of ordered lists. They are counted here and not by the style sheet, because groups that are out of
// view keep the style sheet's counters to themselves.

import type { Node } from "prosemirror-model";
import { Plugin } from "prosemirror-state";
import type { EditorView, NodeView } from "prosemirror-view";
import { isList, schema } from "./schema";

const DEPTHS = 9;
const ROMAN: [number, string][] = [
  [1000, "m"], [900, "cm"], [500, "d"], [400, "cd"], [100, "c"], [90, "xc"], [50, "l"], [40, "xl"], [10, "x"], [9, "ix"], [5, "v"], [4, "iv"], [1, "i"],
];
/** Largest number there is a Roman one for. */
const ROMAN_MAX = 3_999;

/** `count` as the list `depth` steps in writes it: 1, a, i, and again. */
export function written(count: number, depth: number): string {
  if (count < 1 || depth % 3 === 0) return String(count);
  let text = "";
  if (depth % 3 === 1) {
    for (let rest = count; rest > 0; rest = Math.floor((rest - 1) / 26)) text = String.fromCharCode(97 + ((rest - 1) % 26)) + text;
    return text;
  }
  if (count > ROMAN_MAX) return String(count);
  let rest = count;
  for (const [value, sign] of ROMAN) {
    for (; rest >= value; rest -= value) text += sign;
  }
  return text;
}

/** Counts at each depth behind `node`, given those before it. */
function countsBehind(node: Node, before: readonly number[]): readonly number[] {
  if (!isList(node)) return NONE;
  const depth = Math.min(Number(node.attrs.indent) || 0, DEPTHS - 1);
  const ordered = node.type.name === "ordered";
  return before.map((count, at) => {
    if (at < depth) return count;
    // An item that names its number starts there; any item ends the counts below its own.
    return at === depth && ordered ? Number(node.attrs.start ?? count + 1) : 0;
  });
}
const NONE: readonly number[] = new Array<number>(DEPTHS).fill(0);
const equal = (a: readonly number[] | undefined, b: readonly number[]): boolean => a === b || (a !== undefined && a.every((count, at) => count === b[at]));

/** More items than this are found by going over all elements once. */
const FEW = 8;
const BLOCKS = ":scope > .block, :scope > .block-group > .block";

class Numbers {
  private doc: Node | null = null;
  /** Counts behind each block. */
  private counts: (readonly number[])[] = [];
  /** Items drawn since the last time, and where each one is. */
  private readonly drawn = new Map<HTMLElement, () => number | undefined>();

  draw(node: Node, place: () => number | undefined): NodeView {
    const spec = schema.nodes.ordered!.spec.toDOM!(node) as unknown as [string, Record<string, string>];
    const dom = document.createElement(spec[0]);
    for (const [key, value] of Object.entries(spec[1])) dom.setAttribute(key, value);
    this.drawn.set(dom, place);
    // The number is written into the element behind ProseMirror's back.
    return { dom, contentDOM: dom, ignoreMutation: (change) => change.type === "attributes" };
  }

  update(view: EditorView): void {
    const { doc } = view.state;
    if (doc === this.doc && this.drawn.size === 0) return;
    const [from, to] = this.count(doc);
    if (to - from + this.drawn.size > FEW) this.writeAll(view, from, to);
    else this.writeFew(view, from, to);
    this.drawn.clear();
  }

  /** Looks for each element by itself: ProseMirror walks over all blocks for it. */
  private writeFew(view: EditorView, from: number, to: number): void {
    const { doc } = view.state;
    let offset = 0;
    for (let i = 0; i < to; i += 1) {
      const node = doc.child(i);
      if (i >= from && node.type.name === "ordered") this.write(view.nodeDOM(offset), node, i);
      offset += node.nodeSize;
    }
    for (const [dom, place] of this.drawn) {
      const at = place();
      const node = at === undefined ? null : doc.nodeAt(at);
      if (node?.type.name === "ordered") this.write(dom, node, doc.resolve(at!).index());
    }
  }

  /** Goes over all elements once. */
  private writeAll(view: EditorView, from: number, to: number): void {
    const { doc } = view.state;
    const elements = view.dom.querySelectorAll(BLOCKS);
    if (elements.length !== doc.childCount) return this.writeFew(view, 0, doc.childCount);
    doc.forEach((node, _, i) => {
      if (node.type.name !== "ordered") return;
      const dom = elements[i]!;
      if ((i >= from && i < to) || this.drawn.has(dom as HTMLElement)) this.write(dom, node, i);
    });
  }

  private write(dom: globalThis.Node | null | undefined, node: Node, i: number): void {
    if (!(dom instanceof HTMLElement)) return;
    const depth = Math.min(Number(node.attrs.indent) || 0, DEPTHS - 1);
    const number = written(this.counts[i]![depth]!, depth);
    if (dom.dataset.number !== number) dom.dataset.number = number;
  }

  /** Counts anew where `doc` differs from the last one, and as far as that reaches. Returns that range of blocks. */
  private count(doc: Node): [from: number, to: number] {
    const before = this.doc;
    this.doc = doc;
    const old = before?.childCount ?? 0;
    let first = 0;
    while (first < old && first < doc.childCount && before!.child(first) === doc.child(first)) first += 1;
    let same = 0;
    while (same < old - first && same < doc.childCount - first && before!.child(old - 1 - same) === doc.child(doc.childCount - 1 - same)) same += 1;
    const end = doc.childCount - same;
    // A letter leaves as many blocks as there were: what is counted stays where it lies.
    if (doc.childCount !== old) this.counts = this.counts.slice(0, first).concat(new Array<readonly number[]>(end - first), this.counts.slice(old - same));
    const { counts } = this;
    let running = counts[first - 1] ?? NONE;
    let i = first;
    for (; i < doc.childCount; i += 1) {
      running = countsBehind(doc.child(i), running);
      // Behind the change, and in a block that stands alone where it stood, the same count is the same number.
      const isInPlace = i === first && end === first + 1 && doc.childCount === old;
      if ((i >= end || isInPlace) && equal(counts[i], running)) break;
      counts[i] = running;
    }
    return [first, i];
  }
}

/** Numbers the items of ordered lists. */
export function numbers(): Plugin {
  const all = new Numbers();
  return new Plugin({
    props: { nodeViews: { ordered: (node, _, place) => all.draw(node, place) } },
    view: (view) => {
      all.update(view);
      return { update: (changed) => all.update(changed) };
    },
  });
}
