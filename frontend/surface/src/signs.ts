// Backspace behind a sign that is made of several characters and seen as one: an emoji, a flag, a key cap.

import type { Command } from "prosemirror-state";

/** Longest sign that Backspace takes whole, in code units: a family of four with its skin tones takes 19. */
const SIGN_MAX = 64;

/** A sign of several characters that are seen as one goes as one, where some browsers take it apart. */
export const backspaceSign: Command = (state, dispatch) => {
  const { empty, $head } = state.selection;
  const { parent, parentOffset } = $head;
  if (!empty || !parent.isTextblock || parentOffset === 0) return false;
  const before = parent.textBetween(Math.max(0, parentOffset - SIGN_MAX), parentOffset, undefined, "\n");
  const [last] = [...new Intl.Segmenter().segment(before)].slice(-1);
  // In most scripts one takes back the accent before the letter, as the browser does; pictures and flags have no halves.
  if (!last || [...last.segment].length === 1 || !/\p{Extended_Pictographic}|\p{RI}|\u20e3/u.test(last.segment)) return false;
  dispatch?.(state.tr.delete($head.pos - last.segment.length, $head.pos).scrollIntoView());
  return true;
};
