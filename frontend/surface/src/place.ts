// Where one is: selections that hold still while others write, and the line that says what one can do in it.

import type { ResolvedPos } from "prosemirror-model";
import { Plugin, Selection, TextSelection, type EditorState, type Transaction } from "prosemirror-state";
import { Decoration, DecorationSet, type EditorView } from "prosemirror-view";
import { isCode } from "./schema";

/** A selection between two positions, or as near as there can be one. */
export function between(tr: Transaction, anchor: number, head: number): Selection {
  const size = tr.doc.content.size;
  const [$anchor, $head] = [tr.doc.resolve(Math.min(anchor, size)), tr.doc.resolve(Math.min(head, size))];
  if (!$anchor.parent.inlineContent || !$head.parent.inlineContent) return Selection.near($head);
  return TextSelection.between($anchor, $head);
}

/** Others' text that comes exactly at the caret comes behind it; at the ends of a selection, outside of it. */
export function keepSelection(tr: Transaction, before: Selection): void {
  if (!(before instanceof TextSelection) || tr.mapping.maps.length === 0) return;
  const { anchor, head, empty } = before;
  const side = (position: number, other: number): number => (empty ? -1 : position < other ? 1 : -1);
  tr.setSelection(between(tr, tr.mapping.map(anchor, side(anchor, head)), tr.mapping.map(head, side(head, anchor))));
}

/** Whether `$place` stands between the two halves of one letter. */
function isInLetter({ parent, parentOffset: at }: ResolvedPos): boolean {
  if (!parent.inlineContent || at === 0 || at >= parent.content.size) return false;
  return /^[\ud800-\udbff][\udc00-\udfff]$/.test(parent.textBetween(at - 1, at + 1, null, " "));
}

/** A selection of whole letters, where the browser or a script put an end of it inside one: half a letter is no text. */
export function wholeLetters(_view: EditorView, $anchor: ResolvedPos, $head: ResolvedPos): Selection | null {
  if (!isInLetter($anchor) && !isInLetter($head)) return null;
  const end = ($end: ResolvedPos, $other: ResolvedPos): number => (isInLetter($end) ? $end.pos + ($end.pos > $other.pos ? 1 : -1) : $end.pos);
  return TextSelection.create($anchor.doc, end($anchor, $head), end($head, $anchor));
}

/** Whether the page is empty. */
export const isBlank = (state: EditorState): boolean => {
  const { doc } = state;
  return doc.childCount === 1 && doc.firstChild!.type.name === "paragraph" && doc.firstChild!.content.size === 0;
};

/** Marks the empty line the caret is in, so that it can say what one can do there. */
export function hereMark(): Plugin {
  return new Plugin({
    props: {
      decorations(state) {
        const { $head, empty } = state.selection;
        if ($head.depth !== 1 || !empty || $head.parent.content.size > 0 || isCode($head.parent) || isBlank(state)) return null;
        return DecorationSet.create(state.doc, [Decoration.node($head.before(1), $head.after(1), { class: "is-empty" })]);
      },
    },
  });
}
