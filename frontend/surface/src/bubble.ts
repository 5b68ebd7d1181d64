// The small bar at a selection: marks, link, kind of block.

import { Plugin, TextSelection, type Command } from "prosemirror-state";
import type { EditorView } from "prosemirror-view";
import { everywhere, linkAt, setLink, toggle, touched } from "./commands";
import { dock, isPhone, placeBar, whileSeen } from "./floating";
import { isCode, isSafeLink, schema } from "./schema";
import { BLOCKS } from "./slash";

const isMac = /Mac|iP(hone|ad|od)/.test(navigator.platform);
const MOD = isMac ? "⌘" : "Ctrl+";

const MARKS: [name: string, label: string, sign: string, keys: string][] = [
  ["bold", "Bold", "B", `${MOD}B`],
  ["italic", "Italic", "I", `${MOD}I`],
  ["underline", "Underline", "U", `${MOD}U`],
  ["strike", "Strikethrough", "S", `${MOD}Shift+S`],
  ["monospace", "Code", "<>", `${MOD}E`],
];

/** What ends a press of the mouse. */
const ENDS = ["mouseup", "dragend"];

function button(label: string, sign: string, keys = ""): HTMLButtonElement {
  const dom = document.createElement("button");
  dom.type = "button";
  dom.textContent = sign;
  dom.title = keys ? `${label} (${keys})` : label;
  dom.setAttribute("aria-label", label);
  return dom;
}

/** What somebody typed as an address; a name of a site alone is meant as one. */
function addressFrom(typed: string): string | null {
  const text = typed.trim();
  if (text === "") return null;
  const address = /^[a-z][a-z0-9+.-]*:|^[/#?]/i.test(text) ? text : text.includes("@") && !text.includes("/") ? `mailto:${text}` : `https://${text}`;
  return isSafeLink(address) ? address : null;
}

export class Bubble {
  private readonly dom = document.createElement("div");
  private readonly bar = document.createElement("div");
  private readonly form = document.createElement("form");
  private readonly address = document.createElement("input");
  private readonly kinds = document.createElement("select");
  private readonly marks: [HTMLButtonElement, string][] = [];
  private readonly link = button("Link", "Link", `${MOD}K`);
  /** The range whose link is being written. */
  private editing: { from: number; to: number } | null = null;
  private pressed = false;
  /** Escape was pressed: the bar stays away until the selection changes. */
  private sentAway = "";
  private readonly rest: () => void;
  private readonly up = (): void => {
    this.pressed = false;
    this.update();
  };

  constructor(private readonly view: EditorView, place: HTMLElement) {
    this.dom.className = "surface-bubble";
    this.dom.hidden = true;
    this.bar.setAttribute("role", "toolbar");
    this.bar.setAttribute("aria-label", "Format the selection");
    this.kinds.setAttribute("aria-label", "Turn into");
    this.kinds.append(...BLOCKS.filter((it) => it.name !== "Divider").map((it, i) => new Option(it.name, String(i))));
    this.kinds.addEventListener("change", () => {
      this.run(BLOCKS[Number(this.kinds.value)]!.run);
    });
    this.bar.append(this.kinds);
    for (const [name, label, sign, keys] of MARKS) {
      const dom = button(label, sign, keys);
      dom.dataset.mark = name;
      dom.addEventListener("click", () => this.run(toggle(schema.marks[name]!)));
      this.marks.push([dom, name]);
      this.bar.append(dom);
    }
    this.link.addEventListener("click", () => this.editLink());
    this.bar.append(this.link);
    this.makeForm();
    this.dom.append(this.bar, this.form);
    this.dom.addEventListener("mousedown", (event) => {
      if (!(event.target instanceof HTMLSelectElement || event.target instanceof HTMLInputElement)) event.preventDefault();
    });
    this.bar.addEventListener("keydown", (event) => this.barKey(event));
    this.dom.addEventListener("focusout", (event) => {
      if (!this.dom.contains(event.relatedTarget as globalThis.Node | null) && event.relatedTarget !== view.dom) this.close();
    });
    // While the mouse selects, or drags what is selected, nothing stands in its way.
    view.dom.addEventListener("mousedown", () => {
      this.pressed = true;
      this.update();
    });
    for (const event of ENDS) window.addEventListener(event, this.up);
    place.append(this.dom);
    this.rest = whileSeen(() => this.dom.hidden || this.place());
  }

  /** Puts the bar where it belongs now. */
  private place(): void {
    const isDocked = isPhone();
    this.dom.classList.toggle("docked", isDocked);
    const { from, to } = this.editing ?? this.view.state.selection;
    if (isDocked) dock(this.dom);
    else {
      this.dom.style.bottom = "";
      placeBar(this.dom, this.view, from, to);
    }
  }

  /** Hides the bar, if it is there, until something else is selected. */
  sendAway(): boolean {
    if (this.dom.hidden) return false;
    this.sentAway = this.selected();
    this.update();
    return true;
  }

  private selected(): string {
    const { from, to } = this.view.state.selection;
    return `${from} ${to}`;
  }

  private makeForm(): void {
    this.form.hidden = true;
    this.address.type = "text";
    this.address.inputMode = "url";
    this.address.placeholder = "Paste or type a link";
    this.address.setAttribute("aria-label", "Address of the link");
    const open = button("Open the link", "↗");
    open.addEventListener("click", () => {
      const href = addressFrom(this.address.value);
      if (href) window.open(href, "_blank", "noopener,noreferrer");
    });
    const remove = button("Remove the link", "✕");
    remove.addEventListener("click", () => this.finishLink(null));
    const save = button("Save the link", "✓");
    save.type = "submit";
    this.form.append(this.address, save, open, remove);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const href = addressFrom(this.address.value);
      if (href || this.address.value.trim() === "") this.finishLink(href);
      else {
        this.address.setAttribute("aria-invalid", "true");
        this.address.title = "Links can lead to web pages, mail addresses and pages of this site";
      }
    });
    this.form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        this.close();
        this.view.focus();
      }
    });
  }

  private run(command: Command): void {
    command(this.view.state, this.view.dispatch, this.view);
    this.view.focus();
  }

  private barKey(event: KeyboardEvent): void {
    if (event.key === "Escape") {
      this.view.focus();
      return;
    }
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || event.target instanceof HTMLSelectElement && event.key !== "ArrowRight") return;
    const stops = [...this.bar.children] as HTMLElement[];
    const at = stops.indexOf(document.activeElement as HTMLElement);
    stops[(at + step + stops.length) % stops.length]?.focus();
    event.preventDefault();
  }

  /** Moves the keyboard into the bar. */
  focus(): boolean {
    if (this.dom.hidden) return false;
    this.kinds.focus();
    return true;
  }

  /** Opens the address field for the selection or the link the caret is in. */
  editLink(): boolean {
    const { state } = this.view;
    const link = linkAt(state);
    const { from, to, empty } = state.selection;
    if ((empty && !link) || touched(state).every(({ node }) => isCode(node)) || !this.view.editable) return false;
    this.editing = link ? { from: link.from, to: link.to } : { from, to };
    this.address.value = link ? String(link.mark.attrs.href) : "";
    this.address.removeAttribute("aria-invalid");
    this.bar.hidden = true;
    this.form.hidden = false;
    this.dom.hidden = false;
    this.place();
    this.address.focus();
    this.address.select();
    return true;
  }

  private finishLink(href: string | null): void {
    if (this.editing) setLink(this.editing.from, this.editing.to, href)(this.view.state, this.view.dispatch);
    this.close();
    this.view.focus();
  }

  private close(): void {
    this.editing = null;
    this.form.hidden = true;
    this.bar.hidden = false;
    this.dom.hidden = true;
  }

  /** Follows the document while a link is being written. */
  map(map: (position: number, side: number) => number): void {
    if (this.editing) this.editing = { from: map(this.editing.from, 1), to: map(this.editing.to, -1) };
  }

  update(): void {
    if (this.editing) return;
    const { state } = this.view;
    const { selection } = state;
    const useful = selection instanceof TextSelection && !selection.empty && state.doc.textBetween(selection.from, selection.to, " ").trim() !== "";
    if (this.sentAway !== this.selected()) this.sentAway = "";
    if (!useful || this.sentAway !== "" || this.pressed || !this.view.editable || !(this.view.hasFocus() || this.dom.contains(document.activeElement))) {
      this.dom.hidden = true;
      return;
    }
    const blocks = touched(state);
    const onlyCode = blocks.every(({ node }) => isCode(node));
    for (const [dom, name] of this.marks) {
      dom.setAttribute("aria-pressed", String(everywhere(state, schema.marks[name]!)));
      dom.disabled = onlyCode;
    }
    this.link.setAttribute("aria-pressed", String(linkAt(state) !== null));
    this.link.disabled = onlyCode;
    const { node } = blocks[0]!;
    const name = { paragraph: node.attrs.quoted ? "Quote" : "Text", heading: `Heading ${node.attrs.level}`, bullet: "Bulleted list", ordered: "Numbered list", task: "Task list", code: "Code block" }[node.type.name];
    const kind = BLOCKS.findIndex((it) => it.name === name);
    this.kinds.value = String(kind);
    const wasHidden = this.dom.hidden;
    this.dom.hidden = false;
    this.place();
    if (wasHidden) this.dom.classList.add("fresh");
  }

  destroy(): void {
    for (const event of ENDS) window.removeEventListener(event, this.up);
    this.rest();
    this.dom.remove();
  }
}

export function bubble(place: HTMLElement, made: (bubble: Bubble) => void): Plugin {
  return new Plugin({
    view(view) {
      const it = new Bubble(view, place);
      made(it);
      return it;
    },
  });
}
