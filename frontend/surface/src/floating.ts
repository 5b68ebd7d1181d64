// Where menus and bars go: beside what they belong to, inside what one can see. On a phone that is what the keyboard on
// the screen leaves free.

import type { EditorView } from "prosemirror-view";

/** Distance, in pixels, to what a part belongs to and to the edges. */
const GAP = 8;
/** Least height, in pixels, at which a list is still of use. */
const LIST_HEIGHT_MIN = 132;

export interface Area {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

/** What can be seen of the text: without the bar at the top and the keyboard at the bottom. */
export function visible(view: EditorView): Area {
  const seen = window.visualViewport;
  const area = seen
    ? { top: seen.offsetTop, bottom: seen.offsetTop + seen.height, left: seen.offsetLeft, right: seen.offsetLeft + seen.width }
    : { top: 0, bottom: window.innerHeight, left: 0, right: window.innerWidth };
  const scroller = view.dom.closest(".scroll")?.getBoundingClientRect();
  return scroller ? { ...area, top: Math.max(area.top, scroller.top), bottom: Math.min(area.bottom, scroller.bottom) } : area;
}

/** Fingers are in use, on a screen that has no room beside the text. */
export const isPhone = (): boolean => window.matchMedia("(pointer: coarse) and (max-width: 720px)").matches;

const clamp = (value: number, least: number, most: number): number => Math.max(least, Math.min(value, most));

function put(dom: HTMLElement, left: number, top: number): void {
  const frame = (dom.offsetParent ?? document.body).getBoundingClientRect();
  dom.style.left = `${left - frame.left}px`;
  dom.style.top = `${top - frame.top}px`;
}

/** Puts a list under a position, or above it where there is more room; as high as there is room for. */
export function placeList(dom: HTMLElement, view: EditorView, position: number): void {
  const at = view.coordsAtPos(Math.min(position, view.state.doc.content.size));
  const area = visible(view);
  dom.style.maxHeight = "";
  const wanted = dom.offsetHeight;
  const [above, below] = [at.top - area.top - 2 * GAP, area.bottom - at.bottom - 2 * GAP];
  const isBelow = wanted <= below || below >= above;
  const height = Math.min(wanted, Math.max(isBelow ? below : above, LIST_HEIGHT_MIN));
  if (height < wanted) dom.style.maxHeight = `${height}px`;
  const top = isBelow ? at.bottom + GAP : at.top - GAP - height;
  put(dom, clamp(at.left, area.left + GAP, area.right - dom.offsetWidth - GAP), clamp(top, area.top, Math.max(area.top, area.bottom - height)));
}

/** Puts a bar above the range's first line, or below its last where there is no room. */
export function placeBar(dom: HTMLElement, view: EditorView, from: number, to: number): void {
  const size = view.state.doc.content.size;
  const [start, end] = [view.coordsAtPos(Math.min(from, size)), view.coordsAtPos(Math.min(to, size), -1)];
  const area = visible(view);
  const { offsetWidth: width, offsetHeight: height } = dom;
  const above = start.top - GAP - height;
  const top = above >= area.top + GAP ? above : end.bottom + GAP;
  const isOneLine = Math.abs(start.top - end.top) < 4;
  const middle = isOneLine ? (start.left + end.left) / 2 : start.left + width / 2;
  put(dom, clamp(middle - width / 2, area.left + GAP, Math.max(area.left + GAP, area.right - width - GAP)), clamp(top, area.top + GAP, Math.max(area.top + GAP, area.bottom - height - GAP)));
}

/** Puts a bar on top of the keyboard on the screen, as wide as the screen. The browser's own menu has the place at the selection. */
export function dock(dom: HTMLElement): void {
  const seen = window.visualViewport;
  const hidden = seen ? window.innerHeight - seen.offsetTop - seen.height : 0;
  dom.style.top = "";
  dom.style.left = "";
  dom.style.bottom = `${Math.max(0, hidden)}px`;
}

/** Calls `moved` whenever the part of the page that can be seen changes. Returns how to stop that. */
export function whileSeen(moved: () => void): () => void {
  const seen = window.visualViewport;
  const events = ["resize", "scroll"] as const;
  window.addEventListener("resize", moved);
  for (const event of events) seen?.addEventListener(event, moved);
  return () => {
    window.removeEventListener("resize", moved);
    for (const event of events) seen?.removeEventListener(event, moved);
  };
}
