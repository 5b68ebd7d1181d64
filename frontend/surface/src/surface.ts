// The surface: one ProseMirror view. It knows no CRDT and no network; whatever it does it tells its host as steps,
// and whatever others do its host tells it as steps.

import { baseKeymap, chainCommands, deleteSelection, selectNodeBackward, selectNodeForward } from "prosemirror-commands";
import { dropCursor } from "prosemirror-dropcursor";
import { gapCursor } from "prosemirror-gapcursor";
import { keymap } from "prosemirror-keymap";
import { Slice, type Node } from "prosemirror-model";
import { EditorState, Plugin, Selection, type Command, type Transaction } from "prosemirror-state";
import { ReplaceStep } from "prosemirror-transform";
import { EditorView } from "prosemirror-view";
import { bubble, type Bubble } from "./bubble";
import { caretKey, carets, type Caret } from "./carets";
import { clipboard } from "./clipboard";
import * as commands from "./commands";
import { JOIN, type Join } from "./commands";
import { changedBlocks, groups } from "./groups";
import type { Host } from "./host";
import { notice } from "./notice";
import { numbers } from "./numbers";
import { between, hereMark, isBlank, keepSelection, wholeLetters } from "./place";
import { ruleJustRan, typingRules } from "./rules";
import { isSafeLink, schema } from "./schema";
import { backspaceSign } from "./signs";
import { slash } from "./slash";
import { readCaret, typed } from "./typing";
import { InVain } from "./vain";
import { applyStep, docFrom, keepsCharacters, stepsOf, wordsIn, type Block, type WireStep } from "./wire";

/** Longest time, in milliseconds, for which a composition holds edits back. */
const HOLD_MS_MAX = 10_000;
/** Android composes without end; there an idle keyboard for this many milliseconds ends a word. */
const IDLE_MS = 1_000;
/** Least time, in milliseconds, between two tellings of the selection. */
const SELECTION_EVERY_MS = 80;
/** From this many blocks on the browser's spell checker costs too much. */
const SPELLCHECK_BLOCKS_MAX = 3_000;

const REMOTE = "sheaf-remote";
const isMac = /Mac|iP(hone|ad|od)/.test(navigator.platform);
const isAndroid = /Android/.test(navigator.userAgent);

export class Surface {
  readonly view: EditorView;
  private bubble: Bubble | null = null;
  private composing = false;
  /** The composition under way has written something. */
  private composed = false;
  private holdUntil = 0;
  private timers = new Set<ReturnType<typeof setTimeout>>();
  private idle: ReturnType<typeof setTimeout> | undefined;
  private telling: ReturnType<typeof setTimeout> | undefined;
  private told = "";
  private heldCarets: Caret[] | null = null;
  private stopped = false;
  private notice: HTMLElement | null = null;
  /** Where the last edit left the caret: typing elsewhere begins a new item of undo. */
  private lastHead = -1;
  private readonly floating = document.createElement("div");
  private readonly vain = new InVain((words) => this.guard(() => this.host.inVain(words)));

  constructor(
    private readonly place: HTMLElement,
    blocks: string,
    private editable: boolean,
    label: string,
    private readonly host: Host,
  ) {
    this.floating.className = "surface-floating";
    const doc = docFrom(JSON.parse(blocks) as Block[]);
    this.view = new EditorView(
      { mount: place.appendChild(document.createElement("div")) },
      {
        state: EditorState.create({ doc, plugins: this.plugins() }),
        editable: () => this.editable && !this.stopped,
        attributes: (state) => ({
          role: "textbox",
          "aria-multiline": "true",
          "aria-label": label,
          "aria-readonly": String(!this.editable),
          // A page that became read-only keeps the focus, and so the selection and the keys that read on.
          tabindex: "0",
          class: `surface${isBlank(state) ? " is-blank" : ""}`,
          spellcheck: String(state.doc.childCount <= SPELLCHECK_BLOCKS_MAX),
        }),
        dispatchTransaction: (tr) => this.dispatch(tr),
        createSelectionBetween: wholeLetters,
        handleDOMEvents: {
          compositionstart: () => this.compositionStarts(),
          compositionend: () => this.compositionEnds(),
          mousedown: (view, event) => this.pressed(view, event),
          keydown: (_view, event) => this.keyInVain(event),
          paste: (_view, event) => this.pastedInVain(event),
          focus: () => this.tellSoon(),
          blur: () => this.tellSoon(),
        },
        handleKeyDown: (view, event) => {
          // The browser tells of a moved caret a moment later; a key pressed at once must not act on the old place.
          if (!event.isComposing) readCaret(view);
          return false;
        },
        handleKeyPress: (view, event) => typed(view, event),
        handleClick: (_view, _at, event) => this.clicked(event),
        scrollMargin: { top: 72, bottom: 96, left: 0, right: 0 },
        scrollThreshold: { top: 56, bottom: 72, left: 0, right: 0 },
      },
    );
    place.append(this.floating);
  }

  private plugins(): Plugin[] {
    return [
      slash(this.floating),
      typingRules((tr) => tr.getMeta(REMOTE) === true),
      clipboard({
        markdown: (text) => this.guard(() => this.host.markdown(text)) ?? null,
        reader: () => this.guard(() => this.host.reader()) ?? Promise.resolve(),
      }),
      keymap(this.keys()),
      keymap(baseKeymap),
      carets(),
      bubble(this.floating, (made) => (this.bubble = made)),
      hereMark(),
      groups(() => this.composing),
      numbers(),
      gapCursor(),
      dropCursor({ class: "surface-drop", color: false }),
    ];
  }

  private keys(): Record<string, Command> {
    const { marks } = schema;
    const takeBack: Command = (state) => ruleJustRan(state) && this.history("undo");
    const back = chainCommands(takeBack, deleteSelection, commands.backspace, selectNodeBackward);
    const backOne = chainCommands(back, backspaceSign);
    const forth = chainCommands(deleteSelection, commands.deleteForward, selectNodeForward);
    const keys: Record<string, Command> = {
      "Mod-z": () => this.history("undo"),
      "Mod-y": () => this.history("redo"),
      "Mod-Shift-z": () => this.history("redo"),
      "Mod-b": commands.toggle(marks.bold!),
      "Mod-i": commands.toggle(marks.italic!),
      "Mod-u": commands.toggle(marks.underline!),
      "Mod-Shift-s": commands.toggle(marks.strike!),
      "Mod-e": commands.toggle(marks.monospace!),
      "Mod-k": () => this.bubble?.editLink() ?? false,
      "Mod-Alt-0": commands.turnInto("paragraph"),
      "Mod-Shift-7": commands.turnInto("ordered"),
      "Mod-Shift-8": commands.turnInto("bullet"),
      "Mod-Shift-9": commands.turnInto("task"),
      "Mod-Shift-.": commands.toggleQuote,
      "Mod-Enter": commands.modEnter,
      "Shift-Enter": chainCommands(commands.insertBreak, commands.enter),
      Escape: () => this.bubble?.sendAway() ?? false,
      "Alt-F10": () => this.bubble?.focus() ?? false,
      Enter: commands.enter,
      Tab: commands.indent(1),
      "Shift-Tab": commands.indent(-1),
      Backspace: backOne,
      "Mod-Backspace": back,
      "Shift-Backspace": backOne,
      Delete: forth,
      "Mod-Delete": forth,
      "Mod-a": commands.selectAll,
    };
    // On a Mac, Alt and an arrow alone go from paragraph to paragraph.
    for (const alt of isMac ? ["Alt-Shift"] : ["Alt", "Alt-Shift"]) {
      keys[`${alt}-ArrowUp`] = commands.move(-1);
      keys[`${alt}-ArrowDown`] = commands.move(1);
    }
    // The browser alone stops at the first group of blocks that is out of view.
    const [home, end] = isMac ? ["Mod-ArrowUp", "Mod-ArrowDown"] : ["Mod-Home", "Mod-End"];
    for (const shift of ["", "Shift-"]) {
      keys[`${shift}${home}`] = commands.goTo("start", shift ? "extend" : "move");
      keys[`${shift}${end}`] = commands.goTo("end", shift ? "extend" : "move");
    }
    for (const level of [1, 2, 3]) keys[`Mod-Alt-${level}`] = commands.turnInto("heading", { level });
    return keys;
  }

  /** Runs a call into the host. If that breaks, the editor stops with its text in view. */
  private guard<T>(call: () => T): T | undefined {
    if (this.stopped) return undefined;
    try {
      return call();
    } catch (error) {
      console.error(error);
      this.stop("Something went wrong in the editor.");
      return undefined;
    }
  }

  private dispatch(tr: Transaction): void {
    if (this.stopped) {
      if (tr.docChanged) return;
      this.view.updateState(this.view.state.apply(tr));
      return;
    }
    const before = this.view.state.selection;
    const { state, transactions } = this.view.state.applyTransaction(tr);
    const remote = tr.getMeta(REMOTE) === true;
    const steps = remote ? [] : transactions.flatMap(stepsOf);
    const whole = transactions.every(keepsCharacters);
    if (tr.docChanged) this.bubble?.map((position, side) => tr.mapping.map(position, side));
    // Told before it is drawn: on its way to others meanwhile.
    const answer = steps.length > 0 ? this.tell(steps, tr, before, state.selection, whole) : undefined;
    this.view.updateState(state);
    if (answer) this.heed(answer, steps);
    if (remote && this.lastHead >= 0) this.lastHead = tr.mapping.map(this.lastHead, -1);
    if (tr.docChanged || tr.selectionSet) this.tellSoon();
  }

  /** Tells the host what was done; returns its answer. */
  private tell(steps: WireStep[], tr: Transaction, before: Selection, after: Selection, whole: boolean): string | undefined {
    const { anchor, head } = after;
    let join: Join = (tr.getMeta(JOIN) as Join | undefined) ?? "allowed";
    if (["cut", "drop", "paste"].includes(tr.getMeta("uiEvent") as string)) join = "alone";
    if (join === "allowed" && before.head !== this.lastHead) join = "starts";
    // A composition is undone whole: nobody means to go back to half a syllable.
    if (this.composing) {
      if (this.composed) join = "more";
      this.composed = true;
    }
    this.lastHead = head;
    const context = JSON.stringify([join, before.anchor, before.head, anchor, head, this.holds(steps), whole]);
    return this.guard(() => this.host.local(JSON.stringify(steps), context));
  }

  /** Does what the host answered, once what it answers to is drawn. */
  private heed(answer: string, steps: WireStep[]): void {
    if (answer.startsWith("!")) this.stop(answer.slice(1));
    else if (answer.startsWith("?")) {
      // At once: whatever is done to what is not there would be put in the wrong place.
      this.drawAnew();
      this.refused(answer.slice(1), wordsIn(steps));
    }
    // As it is: what the browser does meanwhile is taken up once this is shown.
    else this.drawSteps(JSON.parse(answer) as WireStep[], null);
  }

  /** Says why something was taken back, and gives it to those who want it. */
  private refused(why: string, words: string): void {
    this.notice?.remove();
    this.notice = notice(why, [
      ...(words !== "" && navigator.clipboard ? [{ name: "Copy what was taken back", run: () => void navigator.clipboard.writeText(words) }] : []),
      { name: "Reload", run: () => location.reload() },
      { name: "Go on", run: () => (this.notice?.remove(), this.view.focus()) },
    ]);
    this.place.append(this.notice);
  }

  // Others, and history.

  /** Shows what others did: steps as JSON, in one transaction. */
  show(json: string): void {
    this.showSteps(JSON.parse(json) as WireStep[], null);
  }

  private showSteps(steps: WireStep[], selection: [number, number] | null): void {
    if (this.view.isDestroyed) return;
    readCaret(this.view);
    this.drawSteps(steps, selection);
  }

  private drawSteps(steps: WireStep[], selection: [number, number] | null): void {
    const { state } = this.view;
    const tr = state.tr;
    try {
      for (const step of steps) applyStep(tr, step);
    } catch (error) {
      console.error(error);
      this.drawAnew();
      return;
    }
    if (selection) tr.setSelection(between(tr, selection[0], selection[1])).scrollIntoView();
    else keepSelection(tr, state.selection);
    if (state.storedMarks) tr.setStoredMarks(state.storedMarks);
    this.view.dispatch(tr.setMeta(REMOTE, true).setMeta("addToHistory", false));
  }

  /** Shows a whole document; what it has in common with the one in view stays untouched. */
  showAnew(json: string): void {
    if (this.view.isDestroyed) return;
    readCaret(this.view);
    this.drawAnew(json);
  }

  private drawAnew(json = this.guard(() => this.host.whole())): void {
    if (!json) return;
    const { state } = this.view;
    const doc = docFrom(JSON.parse(json) as Block[]);
    const changed = changedBlocks(state.doc, doc);
    if (!changed) return;
    const [first, endBefore, endAfter] = changed;
    const at = (node: Node, block: number): number => {
      let position = 0;
      for (let i = 0; i < block; i += 1) position += node.child(i).nodeSize;
      return position;
    };
    const slice = new Slice(doc.slice(at(doc, first), at(doc, endAfter)).content, 0, 0);
    const tr = state.tr.step(new ReplaceStep(at(state.doc, first), at(state.doc, endBefore), slice));
    keepSelection(tr, state.selection);
    this.view.dispatch(tr.setMeta(REMOTE, true).setMeta("addToHistory", false));
  }

  private history(direction: "undo" | "redo"): boolean {
    readCaret(this.view);
    const answer = this.guard(() => this.host.history(direction));
    if (answer) {
      const { steps, selection } = JSON.parse(answer) as { steps: WireStep[]; selection: [number, number] | null };
      this.showSteps(steps, selection);
      this.lastHead = -1;
    }
    return true;
  }

  /** Shows where others are: `[{client, name, color, anchor, head}]`. */
  setCarets(json: string): void {
    const all = JSON.parse(json) as Caret[];
    // Drawing into a block in which someone composes can end the composition.
    if (this.composing) this.heldCarets = all;
    else {
      readCaret(this.view);
      this.view.dispatch(this.view.state.tr.setMeta(caretKey, all));
    }
  }

  // Composition.

  /**
   * To be called before the host works out what to show: what the browser has done and not told of is taken up first, while
   * it still fits. Returns a position in the block that is being composed in, or -1: what concerns that block must wait.
   */
  composingAt(): number {
    readCaret(this.view);
    if (!this.composing || performance.now() > this.holdUntil) return -1;
    const { $head } = this.view.state.selection;
    return $head.depth > 0 ? $head.pos : -1;
  }

  private holds(steps: WireStep[]): boolean {
    if (!this.composing || performance.now() > this.holdUntil) return false;
    if (!isAndroid) return true;
    const last = steps[steps.length - 1];
    const piece = last?.[0] === "r" ? last[5][0]?.[1][0] : undefined;
    const word = typeof piece === "string" && /\s$/.test(piece);
    clearTimeout(this.idle);
    this.idle = setTimeout(() => this.guard(() => this.host.release()), IDLE_MS);
    return !word;
  }

  private compositionStarts(): boolean {
    if (!this.composing) this.composed = false;
    this.composing = true;
    this.holdUntil = performance.now() + HOLD_MS_MAX;
    this.later(() => this.composing && this.guard(() => this.host.release()), HOLD_MS_MAX + 50);
    return false;
  }

  private compositionEnds(): boolean {
    // ProseMirror reads the result a moment after the event, and Safari orders its events differently.
    this.later(() => {
      if (this.view.composing) return;
      this.composing = false;
      // What follows is undone by itself.
      if (this.composed) this.lastHead = -1;
      this.guard(() => this.host.release());
      if (this.heldCarets) {
        this.view.dispatch(this.view.state.tr.setMeta(caretKey, this.heldCarets));
        this.heldCarets = null;
      }
    }, 60);
    return false;
  }

  private later(run: () => void, ms: number): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      if (!this.view.isDestroyed) run();
    }, ms);
    this.timers.add(timer);
  }

  // Pointer and focus.

  private pressed(view: EditorView, event: MouseEvent): boolean {
    const target = event.target as HTMLElement;
    if (event.button !== 0 || !target.classList.contains("box") || !view.editable) return false;
    const at = view.posAtDOM(target, 0);
    const $at = view.state.doc.resolve(at);
    const before = $at.depth > 0 ? $at.before(1) : at;
    const node = view.state.doc.nodeAt(before);
    if (node?.type.name !== "task") return false;
    event.preventDefault();
    view.dispatch(view.state.tr.setNodeMarkup(before, null, { ...node.attrs, done: !node.attrs.done }).setMeta(JOIN, "alone"));
    return true;
  }

  private clicked(event: MouseEvent): boolean {
    const link = (event.target as HTMLElement).closest?.("a[href]");
    const href = link?.getAttribute("href");
    if (!href || !isSafeLink(href) || !(event.ctrlKey || event.metaKey || !this.view.editable)) return false;
    window.open(href, "_blank", "noopener,noreferrer");
    event.preventDefault();
    return true;
  }

  private tellSoon(): void {
    this.telling ??= setTimeout(() => {
      this.telling = undefined;
      if (this.view.isDestroyed) return;
      const { anchor, head } = this.view.state.selection;
      const used = this.view.hasFocus() || this.floating.contains(document.activeElement);
      const [from, to] = used ? [anchor, head] : [-1, -1];
      if (this.told === `${from} ${to}`) return;
      this.told = `${from} ${to}`;
      this.guard(() => this.host.selection(from, to));
    }, SELECTION_EVERY_MS);
  }

  // The host's other handles.

  /** Takes edits from now on, or none. Caret, selection and focus stay where they are. */
  setEditable(editable: boolean): void {
    if (this.editable === editable) return;
    readCaret(this.view);
    const focused = this.view.hasFocus();
    // A composition ends while there is still somebody to hear of it; what was composed so far stays.
    if (this.composing) this.view.dom.blur();
    this.editable = editable;
    if (editable) this.vain.end();
    this.view.setProps({});
    if (focused) {
      this.view.dom.focus({ preventScroll: true });
      this.view.focus();
    }
    this.bubble?.update();
  }

  private get readOnly(): boolean {
    return !this.editable && !this.stopped;
  }

  private keyInVain(event: KeyboardEvent): boolean {
    if (!this.readOnly || !this.vain.key(event)) return false;
    event.preventDefault();
    return true;
  }

  private pastedInVain(event: ClipboardEvent): boolean {
    const words = this.readOnly ? (event.clipboardData?.getData("text/plain") ?? "") : "";
    if (words === "") return false;
    this.vain.add(words);
    return true;
  }

  /** Puts the caret at the start, or at the end. */
  focus(where: "start" | "end"): void {
    const { doc } = this.view.state;
    const selection = where === "start" ? Selection.atStart(doc) : Selection.atEnd(doc);
    this.view.dispatch(this.view.state.tr.setSelection(selection).scrollIntoView());
    this.view.focus();
  }

  /** Ends editing, keeps the text in view, and says what became of it. */
  stop(why: string): void {
    if (this.stopped) return;
    this.stopped = true;
    this.view.setProps({});
    this.floating.hidden = true;
    const words = `${why} What you wrote until a moment ago is kept on this device. Reload to go on writing.`;
    this.notice?.remove();
    this.place.append(notice(words, [{ name: "Reload", run: () => location.reload() }]));
  }

  destroy(): void {
    this.timers.forEach(clearTimeout);
    clearTimeout(this.idle);
    clearTimeout(this.telling);
    this.view.destroy();
    this.floating.remove();
  }
}

/** Makes a surface in `place`. */
export function mount(place: HTMLElement, blocks: string, editable: boolean, label: string, host: Host): Surface {
  return new Surface(place, blocks, editable, label, host);
}
