// Markdown as it is typed. What was typed goes in first and is changed in a second edit, so that one undo
// gives the characters back.

import { Plugin, PluginKey, TextSelection, type EditorState, type Transaction } from "prosemirror-state";
import type { EditorView } from "prosemirror-view";
import { JOIN, here, insertDivider, turnInto } from "./commands";
import { isCode, isSafeLink, keeping, schema } from "./schema";

/** Whether the last thing done here was a rule. */
const ran = new PluginKey<boolean>("rule");

type Rule = (state: EditorState, before: string) => Transaction | null;

/** Longest stretch before the caret, in characters, in which a rule looks. */
const LOOK_BACK_MAX = 500;

function block(pattern: RegExp, kind: string, attrs: (match: RegExpExecArray) => Record<string, unknown> = () => ({})): Rule {
  return (state, before) => {
    const match = pattern.exec(before);
    const place = here(state);
    if (!match || !place || place.node.type.name === kind && kind !== "heading") return null;
    let done: Transaction | null = null;
    const tr = state.tr.delete(place.at + 1, place.at + 1 + match[0].length);
    if (kind === "quote") return tr.setNodeMarkup(place.at, null, { ...place.node.attrs, quoted: true });
    // A rule never turns the kind back into a paragraph, so it does not toggle.
    const emptied = state.apply(tr);
    if (kind === "code") {
      turnInto(kind, attrs(match))(emptied, (made) => void (done = made));
      return done ? merge(tr, done) : null;
    }
    return tr.setNodeMarkup(place.at, schema.nodes[kind], keeping(place.node, attrs(match)));
  };
}

function merge(tr: Transaction, more: Transaction): Transaction {
  for (const step of more.steps) tr.step(step);
  return tr;
}

function mark(pattern: RegExp, name: string): Rule {
  return (state, before) => {
    const match = pattern.exec(before);
    const place = here(state);
    if (!match || !place) return null;
    const [whole, lead = "", open = "", inner = ""] = match;
    if (inner.trim() !== inner || inner === "") return null;
    const end = state.selection.from;
    const start = end - whole.length + lead.length;
    const type = schema.marks[name]!;
    if (place.node.rangeHasMark(start - place.at - 1, end - place.at - 1, schema.marks.monospace!)) return null;
    const tr = state.tr;
    tr.delete(end - open.length, end).delete(start, start + open.length);
    tr.addMark(start, start + inner.length, type.create());
    return tr.removeStoredMark(type);
  };
}

/** `[words](address)` */
const link: Rule = (state, before) => {
  const match = /(?:^|[^!\\])(\[([^[\]\n]+)\]\(([^()\s]+)\))$/.exec(before);
  const [, whole = "", words = "", href = ""] = match ?? [];
  if (!match || words.trim() !== words || !isSafeLink(href)) return null;
  const end = state.selection.from;
  const start = end - whole.length;
  const tr = state.tr.delete(start + 1 + words.length, end).delete(start, start + 1);
  return tr.addMark(start, start + words.length, schema.mark("link", { href })).removeStoredMark(schema.marks.link!);
};

const numbered = (match: RegExpExecArray): Record<string, unknown> => ({ start: match[1] === "1" ? null : Number(match[1]) });

const rules: Rule[] = [
  block(/^(#{1,3}) $/, "heading", (match) => ({ level: match[1]!.length })),
  block(/^[-*+] $/, "bullet"),
  block(/^(\d{1,9})[.)] $/, "ordered", numbered),
  block(/^\[ ?\] $/, "task", () => ({ done: false })),
  block(/^\[[xX]\] $/, "task", () => ({ done: true })),
  block(/^> $/, "quote"),
  block(/^```([\w+#.-]{0,30}) $/, "code", (match) => ({ language: match[1]?.toLowerCase() || "plain" })),
  mark(/(^|[^*])(\*\*)([^*]+)\*\*$/, "bold"),
  mark(/(^|[^_\w])(__)([^_]+)__$/, "bold"),
  mark(/(^|[^*])(\*)([^*\s][^*]*)\*$/, "italic"),
  mark(/(^|[^_\w])(_)([^_\s][^_]*)_$/, "italic"),
  mark(/(^|[^~])(~~)([^~]+)~~$/, "strike"),
  mark(/(^|[^`])(`)([^`]+)`$/, "monospace"),
  link,
];

/** Runs the first rule that fits what stands before the caret. */
export function runRules(view: EditorView): boolean {
  const { state } = view;
  const place = here(state);
  if (!place || !state.selection.empty || isCode(place.node) || !view.editable) return false;
  const offset = state.selection.$head.parentOffset;
  const before = place.node.textBetween(Math.max(0, offset - LOOK_BACK_MAX), offset, null, "\ufffc");
  if (before === "---" && drawLine(view)) return true;
  for (const rule of rules) {
    const tr = rule(state, before);
    if (tr) {
      view.dispatch(tr.setMeta(JOIN, "alone").setMeta(ran, true));
      return true;
    }
  }
  return false;
}

/** A paragraph that holds nothing but a sign of three becomes a divider. */
function drawLine(view: EditorView): boolean {
  const { state } = view;
  const place = here(state);
  if (!place || place.node.content.size !== 3 || place.node.type.name !== "paragraph" || state.selection.$head.parentOffset !== 3) return false;
  const tr = state.tr.delete(place.at + 1, place.at + 4);
  insertDivider(state.apply(tr), (made) => {
    merge(tr, made).setSelection(TextSelection.near(tr.doc.resolve(made.selection.head)));
  });
  view.dispatch(tr.setMeta(JOIN, "alone").setMeta(ran, true).scrollIntoView());
  return true;
}

/** Whether a rule was the last thing done here; then Backspace takes it back. */
export const ruleJustRan = (state: EditorState): boolean => state.selection.empty && ran.getState(state) === true;

/** An address typed out becomes a link when a space or Enter ends it. `behind` characters follow it already. */
function linkTyped(view: EditorView, behind: number): void {
  const { state } = view;
  const place = here(state);
  if (!place || isCode(place.node) || !state.selection.empty) return;
  const offset = state.selection.$head.parentOffset - behind;
  const before = place.node.textBetween(Math.max(0, offset - LOOK_BACK_MAX), Math.max(0, offset), null, "\ufffc");
  const match = /(?:^|[\s(])((?:https?:\/\/|www\.)[^\s\ufffc]+?)[.,;:!?'")\]}]*$/.exec(before);
  const words = match?.[1];
  const href = words?.startsWith("www.") ? `https://${words}` : words;
  if (!match || !words || !href || !/\/\/[^/?#]*[^/?#.]/.test(href) || !isSafeLink(href)) return;
  const start = place.at + 1 + Math.max(0, offset - LOOK_BACK_MAX) + match.index + match[0].indexOf(words);
  const end = start + words.length;
  if (state.doc.rangeHasMark(start, end, schema.marks.link!) || state.doc.rangeHasMark(start, end, schema.marks.monospace!)) return;
  view.dispatch(state.tr.addMark(start, end, schema.mark("link", { href })).setMeta(JOIN, "alone"));
}

/** `remote` says whether a transaction shows what others did. */
export function typingRules(remote: (tr: Transaction) => boolean): Plugin {
  return new Plugin<boolean>({
    key: ran,
    state: {
      init: () => false,
      apply: (tr, was) => tr.getMeta(ran) === true || (was && (remote(tr) || !(tr.docChanged || tr.selectionSet))),
    },
    props: {
      handleTextInput(view, from, to, text) {
        if (view.composing || text.length !== 1 || !/[\s*_~`)-]/.test(text)) return false;
        const tr = view.state.tr.insertText(text, from, to);
        view.dispatch(tr.scrollIntoView());
        if (!runRules(view) && text === " ") linkTyped(view, 1);
        return true;
      },
      handleKeyDown(view, event) {
        if (event.key !== "Enter" || event.shiftKey || view.composing) return false;
        linkTyped(view, 0);
        const place = here(view.state);
        if (place && /^(\*{3}|_{3})$/.test(place.node.textContent) && view.state.selection.empty && drawLine(view)) return true;
        const match = place && /^```([\w+#.-]{0,30})$/.exec(place.node.textContent);
        if (!place || !match || place.node.type.name !== "paragraph") return false;
        const tr = view.state.tr.delete(place.at + 1, place.at + 1 + match[0].length);
        turnInto("code", { language: match[1]?.toLowerCase() || "plain" })(view.state.apply(tr), (made) => void merge(tr, made));
        view.dispatch(tr.setMeta(JOIN, "alone"));
        return true;
      },
      handleDOMEvents: {
        compositionend(view) {
          // Input methods insert the last character of a pattern too.
          setTimeout(() => {
            if (!view.isDestroyed && !view.composing) runRules(view);
          }, 30);
          return false;
        },
      },
    },
  });
}
