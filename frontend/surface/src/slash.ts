// The menu that opens with "/".

import { Plugin, PluginKey, type Command, type EditorState } from "prosemirror-state";
import type { EditorView } from "prosemirror-view";
import { here, insertDivider, toggleQuote, turnInto } from "./commands";
import { isCode } from "./schema";

interface Item {
  name: string;
  words: string;
  icon: string;
  hint: string;
  run: Command;
}

export const BLOCKS: Item[] = [
  { name: "Text", words: "paragraph plain", icon: "¶", hint: "", run: turnInto("paragraph") },
  { name: "Heading 1", words: "title h1 big", icon: "H1", hint: "#", run: turnInto("heading", { level: 1 }) },
  { name: "Heading 2", words: "subtitle h2", icon: "H2", hint: "##", run: turnInto("heading", { level: 2 }) },
  { name: "Heading 3", words: "h3 small", icon: "H3", hint: "###", run: turnInto("heading", { level: 3 }) },
  { name: "Bulleted list", words: "unordered ul points", icon: "•", hint: "-", run: turnInto("bullet") },
  { name: "Numbered list", words: "ordered ol", icon: "1.", hint: "1.", run: turnInto("ordered") },
  { name: "Task list", words: "todo check box", icon: "☑", hint: "[]", run: turnInto("task") },
  { name: "Quote", words: "blockquote citation", icon: "❝", hint: ">", run: toggleQuote },
  { name: "Code block", words: "pre source snippet", icon: "</>", hint: "```", run: turnInto("code") },
  { name: "Divider", words: "rule line hr separator", icon: "―", hint: "---", run: insertDivider },
];

interface Open {
  /** Position of the "/". */
  from: number;
  query: string;
  chosen: number;
}

const key = new PluginKey<Open | null>("slash");
/** Longest word one filters by, in characters. */
const QUERY_CHARS_MAX = 24;

const ranked = (query: string): Item[] => {
  const wanted = query.toLowerCase().trim();
  const all = BLOCKS.filter((item) => `${item.name} ${item.words}`.toLowerCase().split(/\s+/).some((word) => word.startsWith(wanted)) || item.name.toLowerCase().includes(wanted));
  return [...all].sort((a, b) => Number(b.name.toLowerCase().startsWith(wanted)) - Number(a.name.toLowerCase().startsWith(wanted)));
};

function queryAt(state: EditorState, from: number): string | null {
  const place = here(state);
  if (!place || !state.selection.empty || state.selection.head <= from || from <= place.at) return null;
  const text = state.doc.textBetween(from, state.selection.head, null, "\ufffc");
  return text.startsWith("/") && text.length <= QUERY_CHARS_MAX && !text.startsWith("/ ") ? text.slice(1) : null;
}

class Menu {
  private readonly dom = document.createElement("div");
  private shown: Item[] = [];

  constructor(private readonly view: EditorView, place: HTMLElement) {
    this.dom.className = "surface-menu";
    this.dom.id = `slash-${Math.random().toString(36).slice(2)}`;
    this.dom.setAttribute("role", "listbox");
    this.dom.setAttribute("aria-label", "Kinds of block");
    this.dom.hidden = true;
    // The caret stays where it is while the mouse chooses.
    this.dom.addEventListener("mousedown", (event) => event.preventDefault());
    this.dom.addEventListener("click", (event) => {
      const option = (event.target as HTMLElement).closest<HTMLElement>("[data-number]");
      if (option) choose(this.view, Number(option.dataset.number));
    });
    place.append(this.dom);
  }

  update(): void {
    const open = key.getState(this.view.state);
    const items = open ? ranked(open.query) : [];
    if (!open || items.length === 0 || !this.view.editable) {
      if (!this.dom.hidden) {
        this.dom.hidden = true;
        this.view.dom.removeAttribute("aria-activedescendant");
        this.view.dom.removeAttribute("aria-controls");
      }
      return;
    }
    if (this.shown.length !== items.length || this.shown.some((item, i) => item !== items[i])) {
      this.shown = items;
      this.dom.replaceChildren(...items.map((item, i) => this.option(item, i)));
    }
    const chosen = Math.min(open.chosen, items.length - 1);
    [...this.dom.children].forEach((option, i) => option.setAttribute("aria-selected", String(i === chosen)));
    this.view.dom.setAttribute("aria-controls", this.dom.id);
    this.view.dom.setAttribute("aria-activedescendant", `${this.dom.id}-${chosen}`);
    this.dom.hidden = false;
    this.dom.children[chosen]?.scrollIntoView({ block: "nearest" });
    placeAt(this.dom, this.view, open.from);
  }

  private option(item: Item, number: number): HTMLElement {
    const option = document.createElement("div");
    option.id = `${this.dom.id}-${number}`;
    option.dataset.number = String(number);
    option.setAttribute("role", "option");
    const icon = document.createElement("span");
    icon.textContent = item.icon;
    icon.setAttribute("aria-hidden", "true");
    const hint = document.createElement("small");
    hint.textContent = item.hint;
    hint.setAttribute("aria-hidden", "true");
    option.append(icon, item.name, hint);
    return option;
  }

  destroy(): void {
    this.dom.remove();
  }
}

/** Puts a floating part under a position, or above it where there is no room. */
export function placeAt(dom: HTMLElement, view: EditorView, position: number): void {
  const at = view.coordsAtPos(Math.min(position, view.state.doc.content.size));
  const frame = (dom.offsetParent ?? document.body).getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = dom;
  const below = at.bottom + 6 + height <= window.innerHeight || at.top - 6 - height < 0;
  const top = below ? at.bottom + 6 : at.top - 6 - height;
  const left = Math.max(8, Math.min(at.left, window.innerWidth - width - 8));
  dom.style.top = `${top - frame.top}px`;
  dom.style.left = `${left - frame.left}px`;
}

function choose(view: EditorView, number?: number): boolean {
  const open = key.getState(view.state);
  if (!open) return false;
  const item = ranked(open.query)[number ?? open.chosen];
  if (!item) return false;
  view.dispatch(view.state.tr.delete(open.from, view.state.selection.head).setMeta(key, null));
  item.run(view.state, view.dispatch, view);
  view.focus();
  return true;
}

export function slash(place: HTMLElement): Plugin<Open | null> {
  return new Plugin<Open | null>({
    key,
    state: {
      init: () => null,
      apply(tr, open, _old, state) {
        const told = tr.getMeta(key) as Open | null | undefined;
        if (told !== undefined) return told;
        if (!open) return null;
        const from = tr.mapping.map(open.from);
        const query = queryAt(state, from);
        if (query === null || ranked(query).length === 0) return null;
        return { from, query, chosen: query === open.query ? open.chosen : 0 };
      },
    },
    props: {
      handleTextInput(view, from, to, text) {
        const place = here(view.state);
        if (text !== "/" || view.composing || !place || isCode(place.node)) return false;
        const before = place.node.textBetween(0, view.state.selection.$from.parentOffset, null, "\ufffc");
        if (before !== "" && !/\s$/.test(before)) return false;
        view.dispatch(view.state.tr.insertText("/", from, to).setMeta(key, { from, query: "", chosen: 0 }).scrollIntoView());
        return true;
      },
      handleKeyDown(view, event) {
        const open = key.getState(view.state);
        if (!open || event.isComposing) return false;
        const count = ranked(open.query).length;
        const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (move) {
          view.dispatch(view.state.tr.setMeta(key, { ...open, chosen: (open.chosen + move + count) % count }));
          return true;
        }
        if (event.key === "Enter" || event.key === "Tab") return choose(view);
        if (event.key === "Escape") {
          view.dispatch(view.state.tr.setMeta(key, null));
          return true;
        }
        return false;
      },
      handleDOMEvents: {
        blur(view) {
          if (key.getState(view.state)) view.dispatch(view.state.tr.setMeta(key, null));
          return false;
        },
      },
    },
    view: (view) => new Menu(view, place),
  });
}
