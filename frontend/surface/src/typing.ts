// What the browser does between a key and ProseMirror: carets it has moved and not told of, letters it would put in itself.

import type { Transaction } from "prosemirror-state";
import type { EditorView } from "prosemirror-view";

/**
 * Takes note of a caret the browser has moved and not yet told of. Whatever is drawn before that is noted puts the caret
 * back where it was: an arrow key pressed while others write would be lost.
 */
export function readCaret(view: EditorView): void {
  if (view.composing) return;
  const { domObserver } = view as unknown as { domObserver?: { forceFlush?(): void; flush?(): void } };
  domObserver?.forceFlush?.();
  domObserver?.flush?.();
}

/**
 * Puts a typed letter in place. Left to itself the browser does that, for ProseMirror to find out about; on a long page it
 * counts all letters before the caret then.
 */
export function typed(view: EditorView, event: KeyboardEvent): boolean {
  const { $from, $to } = view.state.selection;
  if (event.isComposing || view.composing || event.ctrlKey || event.metaKey || event.charCode < 32) return false;
  if (!$from.sameParent($to) || !$from.parent.inlineContent) return false;
  const text = String.fromCodePoint(event.charCode);
  const insert = (): Transaction => view.state.tr.insertText(text).scrollIntoView();
  if (!view.someProp("handleTextInput", (handle) => handle(view, $from.pos, $to.pos, text, insert))) view.dispatch(insert());
  return true;
}
