// The menu that opens with "/".

import { Plugin, PluginKey, type Command, type EditorState } from "prosemirror-state";
import type { EditorView } from "prosemirror-view";
import { here, insertDivider, toggleQuote, turnInto } from "./commands";
import { placeList, whileSeen } from "./floating";
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
  { name: "Code block", words: "pre source snippet", icon: "{}", hint: "```", run: turnInto("code") },
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

/** What the text says of itself while the menu is open. */
const MENU_ATTRIBUTES = ["aria-haspopup", "aria-autocomplete", "aria-controls", "aria-activedescendant"];
/** Padding of the list, in pixels, as the style sheet has it. */
const LIST_PADDING = 6;

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
  /** Says what is chosen to those who can't see it: few screen readers follow a choice outside of the text. */
  private readonly said = document.createElement("div");
  private shown: Item[] = [];
  private readonly rest: () => void;

  constructor(private readonly view: EditorView, place: HTMLElement) {
    this.dom.className = "surface-menu";
    this.dom.id = `slash-${Math.random().toString(36).slice(2)}`;
    this.dom.setAttribute("role", "listbox");
    this.dom.setAttribute("aria-label", "Kinds of block");
    // What scrolls must be in reach of the keyboard, for those who scroll by it.
    this.dom.tabIndex = 0;
    this.dom.hidden = true;
    // The caret stays where it is while the mouse chooses.
    this.dom.addEventListener("mousedown", (event) => event.preventDefault());
    this.dom.addEventListener("click", (event) => {
      const option = (event.target as HTMLElement).closest<HTMLElement>("[data-number]");
      if (option) choose(this.view, Number(option.dataset.number));
    });
    this.said.className = "unseen";
    this.said.setAttribute("role", "status");
    place.append(this.dom, this.said);
    this.rest = whileSeen(() => this.update());
  }

  update(): void {
    const open = key.getState(this.view.state);
    const items = open ? ranked(open.query) : [];
    if (!open || items.length === 0 || !this.view.editable) {
      if (!this.dom.hidden) {
        this.dom.hidden = true;
        this.said.textContent = "";
        for (const name of MENU_ATTRIBUTES) this.view.dom.removeAttribute(name);
      }
      return;
    }
    if (this.shown.length !== items.length || this.shown.some((item, i) => item !== items[i])) {
      this.shown = items;
      this.dom.replaceChildren(...items.map((item, i) => this.option(item, i)));
    }
    const chosen = Math.min(open.chosen, items.length - 1);
    [...this.dom.children].forEach((option, i) => option.setAttribute("aria-selected", String(i === chosen)));
    const attributes = ["listbox", "list", this.dom.id, `${this.dom.id}-${chosen}`];
    MENU_ATTRIBUTES.forEach((name, i) => this.view.dom.setAttribute(name, attributes[i]!));
    const hint = this.dom.hidden ? ". Arrow keys choose, Enter takes it, Escape leaves" : "";
    const words = `${items[chosen]!.name}, ${chosen + 1} of ${items.length}`;
    if (!this.said.textContent!.startsWith(words)) this.said.textContent = words + hint;
    this.dom.hidden = false;
    placeList(this.dom, this.view, open.from);
    this.reveal(this.dom.children[chosen] as HTMLElement);
  }

  /** Scrolls the list, and nothing around it, so that `option` is in view. */
  private reveal(option: HTMLElement): void {
    const { offsetTop: top, offsetHeight: height } = option;
    const { scrollTop, clientHeight } = this.dom;
    if (top < scrollTop) this.dom.scrollTop = top - LIST_PADDING;
    else if (top + height > scrollTop + clientHeight) this.dom.scrollTop = top + height - clientHeight + LIST_PADDING;
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
    this.rest();
    this.dom.remove();
    this.said.remove();
  }
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
