// Where other people are: a caret with a name, and what they have selected.

import { Plugin, PluginKey, type EditorState, type Transaction } from "prosemirror-state";
import { Decoration, DecorationSet } from "prosemirror-view";

export interface Caret {
  client: number;
  name: string;
  /** `#rrggbb` */
  color: string;
  anchor: number;
  head: number;
}

interface Shown {
  carets: Map<number, Caret & { moves: number }>;
  drawn: DecorationSet;
}

export const caretKey = new PluginKey<Shown>("carets");
/** Longest name on a flag, in characters. */
const NAME_CHARS_MAX = 40;

const safeColor = (color: string): string => (/^#[0-9a-f]{6}$/i.test(color) ? color : "#2b6e5f");

function flag(caret: Caret): HTMLElement {
  const mark = document.createElement("span");
  mark.className = "caret";
  mark.style.setProperty("--c", safeColor(caret.color));
  mark.setAttribute("aria-hidden", "true");
  // Drawn by the style sheet: as text it would stand among the words that input methods and spell checkers read.
  mark.dataset.name = caret.name.slice(0, NAME_CHARS_MAX) || "Someone";
  return mark;
}

function draw(state: EditorState, caret: Caret & { moves: number }): Decoration[] {
  const size = state.doc.content.size;
  const [anchor, head] = [Math.min(caret.anchor, size), Math.min(caret.head, size)];
  const drawn = [
    // A new key draws a new flag, and a new flag shows its name for a while.
    Decoration.widget(head, () => flag(caret), { key: `${caret.client}-${caret.moves}`, side: -1, ignoreSelection: true, client: caret.client }),
  ];
  if (anchor !== head) {
    const style = `--c:${safeColor(caret.color)}`;
    drawn.push(Decoration.inline(Math.min(anchor, head), Math.max(anchor, head), { class: "their-selection", style }, { client: caret.client }));
  }
  const $head = state.doc.resolve(head);
  if ($head.depth > 0) {
    // A flag stands out of its block, which must not be clipped then.
    drawn.push(Decoration.node($head.before(1), $head.after(1), { class: "has-caret" }, { client: caret.client }));
  }
  return drawn;
}

/** Takes the news into what is drawn; flags of people who did not move stay as they are. */
function update(tr: Transaction, state: EditorState, before: Shown): Shown {
  let { carets, drawn } = before;
  if (tr.docChanged) drawn = drawn.map(tr.mapping, tr.doc);
  const news = tr.getMeta(caretKey) as Caret[] | undefined;
  if (!news) return { carets, drawn };
  const next: Shown["carets"] = new Map();
  const gone = new Set(carets.keys());
  for (const caret of news) {
    const was = carets.get(caret.client);
    const same = was && (["name", "color", "anchor", "head"] as const).every((key) => was[key] === caret[key]);
    next.set(caret.client, { ...caret, moves: same ? was.moves : (was?.moves ?? 0) + 1 });
    if (same) gone.delete(caret.client);
    else gone.add(caret.client);
  }
  const stale = gone.size === 0 ? [] : drawn.find(undefined, undefined, (spec) => gone.has(spec.client as number));
  drawn = drawn.remove(stale);
  const fresh = [...next.values()].filter((caret) => gone.has(caret.client)).flatMap((caret) => draw(state, caret));
  if (fresh.length) drawn = drawn.add(state.doc, fresh);
  carets = next;
  return { carets, drawn };
}

export function carets(): Plugin<Shown> {
  return new Plugin<Shown>({
    key: caretKey,
    state: {
      init: () => ({ carets: new Map(), drawn: DecorationSet.empty }),
      apply: (tr, shown, _old, state) => update(tr, state, shown),
    },
    props: {
      decorations: (state) => caretKey.getState(state)?.drawn,
    },
  });
}
