// Copying gives real lists and code blocks, and Markdown as plain text; pasting takes blocks from whatever there is.

import { DOMSerializer, Fragment, type Node } from "prosemirror-model";
import { Plugin, type EditorState } from "prosemirror-state";
import type { EditorView } from "prosemirror-view";
import { JOIN, here, replaceWithBlocks, setLink } from "./commands";
import { PASTE_BLOCKS_MAX, blocksFromHtml } from "./html";
import { isBreak, isCode, isList, isSafeLink, sameBlock, schema } from "./schema";
import { blockOf, nodeFrom, type Block } from "./wire";

const serializer = DOMSerializer.fromSchema(schema);
/** Carries blocks as they are from one page of Sheaf to another. */
const EXACT = "data-sheaf";
/** Longest exact copy, in characters; longer ones travel as HTML alone. */
const EXACT_CHARS_MAX = 2_000_000;

function blocksOf(fragment: Fragment): Node[] {
  const blocks: Node[] = [];
  fragment.forEach((node) => void blocks.push(node.isBlock ? node : schema.nodes.paragraph!.create(null, node)));
  return blocks;
}

const ordinal = (node: Node): boolean => node.type.name === "ordered";

/** Nested lists, joined code and quotes as other programs write them. */
function htmlOf(blocks: Node[], document: Document): DocumentFragment {
  const out = document.createDocumentFragment();
  let quote: HTMLElement | null = null;
  let code: HTMLElement | null = null;
  let lists: HTMLElement[] = [];
  let before: Node | null = null;
  const inline = (node: Node): globalThis.Node => serializer.serializeFragment(node.content, { document });
  for (const node of blocks) {
    if (node.attrs.quoted !== (before?.attrs.quoted ?? false) || !before) {
      lists = [];
      code = null;
      quote = node.attrs.quoted ? out.appendChild(document.createElement("blockquote")) : null;
    }
    const parent: globalThis.Node = quote ?? out;
    if (!isList(node)) lists = [];
    if (isCode(node)) {
      if (!code || !sameBlock(before, node)) {
        const pre: HTMLElement = parent.appendChild(document.createElement("pre"));
        code = pre.appendChild(document.createElement("code"));
        if (node.attrs.language !== "plain") code.className = `language-${node.attrs.language}`;
      } else code.append("\n");
      code.append(node.textContent);
    } else {
      code = null;
      if (isList(node)) addItem(node, lists, parent, inline(node), document);
      else if (node.isLeaf) parent.appendChild(document.createElement("hr"));
      else {
        const dom = document.createElement(node.type.name === "heading" ? `h${node.attrs.level}` : "p");
        if (node.attrs.align) dom.style.textAlign = String(node.attrs.align);
        dom.append(inline(node));
        parent.appendChild(dom);
      }
    }
    before = node;
  }
  return out;
}

function addItem(node: Node, lists: HTMLElement[], parent: globalThis.Node, content: globalThis.Node, document: Document): void {
  const depth = Number(node.attrs.indent) + 1;
  const tag = ordinal(node) ? "OL" : "UL";
  lists.length = Math.min(lists.length, depth);
  if (lists.length === depth && lists[depth - 1]!.tagName !== tag) lists.pop();
  while (lists.length < depth) {
    const list = document.createElement(tag.toLowerCase());
    if (ordinal(node) && node.attrs.start !== null && lists.length === depth - 1) list.setAttribute("start", String(node.attrs.start));
    const above = lists[lists.length - 1];
    // A list inside a list stands in the item above it.
    (above ? (above.lastElementChild ?? above.appendChild(document.createElement("li"))) : parent).appendChild(list);
    lists.push(list);
  }
  const item = document.createElement("li");
  if (node.type.name === "task") {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.disabled = true;
    if (node.attrs.done) box.setAttribute("checked", "");
    item.append(box, " ");
  }
  item.append(content);
  lists[depth - 1]!.append(item);
}

/** Text of a block as Markdown; characters stand as they are, so that it also reads as plain text. */
function inlineText(node: Node, plain: boolean): string {
  let text = "";
  node.forEach((child) => {
    if (isBreak(child)) text += plain ? "\n" : "\\\n";
    else if (!child.isText) text += typeof child.attrs.value?.image === "string" ? `![](${child.attrs.value.image})` : "";
    else {
      let piece = child.text ?? "";
      if (!plain) {
        const [, lead = "", core = "", tail = ""] = /^(\s*)([\s\S]*?)(\s*)$/.exec(piece) ?? [];
        let marked = core;
        for (const mark of core ? [...child.marks].reverse() : []) {
          const around = { monospace: "`", strike: "~~", italic: "*", bold: "**" }[mark.type.name];
          if (around) marked = around + marked + around;
          else if (mark.type.name === "link") marked = `[${marked}](${mark.attrs.href})`;
        }
        piece = lead + marked + tail;
      }
      text += piece;
    }
  });
  return text;
}

function markdownOf(blocks: Node[]): string {
  const only = blocks.length === 1;
  const lines: string[] = [];
  const counts: number[] = [];
  blocks.forEach((node, number) => {
    const before = blocks[number - 1];
    const after = blocks[number + 1];
    const quote = node.attrs.quoted ? "> " : "";
    const gap = "   ".repeat(Number(node.attrs.indent));
    const depth = Number(node.attrs.indent);
    if (ordinal(node)) {
      counts.length = depth + 1;
      counts[depth] = node.attrs.start ?? (counts[depth] ?? 0) + 1;
    } else counts.length = isList(node) ? depth : 0;
    const tight = before && ((isList(before) && isList(node)) || sameBlock(before, node));
    if (before && !tight) lines.push(before.attrs.quoted && node.attrs.quoted ? ">" : "");
    if (isCode(node)) {
      if (only) return void lines.push(node.textContent);
      if (!sameBlock(before, node)) lines.push(`${quote}\`\`\`${node.attrs.language === "plain" ? "" : node.attrs.language}`);
      lines.push(quote + node.textContent);
      if (!sameBlock(node, after)) lines.push(`${quote}\`\`\``);
      return;
    }
    const mark = {
      heading: `${"#".repeat(Number(node.attrs.level))} `,
      bullet: `${gap}- `,
      ordered: `${gap}${counts[depth]}. `,
      task: `${gap}- [${node.attrs.done ? "x" : " "}] `,
      divider: "---",
    }[node.type.name];
    lines.push(only ? inlineText(node, true) : quote + (mark ?? "") + inlineText(node, false));
  });
  return lines.join("\n");
}

/** Whether a plain text was probably written as Markdown. */
export function looksLikeMarkdown(text: string): boolean {
  const sample = text.slice(0, 20_000);
  // What a terminal showed: its comments are no headings.
  if (/^\$ \S/m.test(sample) && !/^ {0,3}```/m.test(sample)) return false;
  return (
    /^ {0,3}(#{1,6} \S|[-*+] \S|\d{1,9}[.)] \S|> \S|(```|~~~)|([-*_] ?){3,}$|\|.*\|)/m.test(sample) ||
    /(\*\*|__|~~)\S[^\n]*\S\1|`[^`\n]+`|\[[^\]\n]+\]\([^)\s]+\)/.test(sample)
  );
}

function lines(text: string, like: Node | null): Node[] {
  const type = like && isCode(like) ? like.type : schema.nodes.paragraph!;
  const all = text.replace(/\r\n?/g, "\n").split("\n").slice(0, PASTE_BLOCKS_MAX);
  // Blank lines between paragraphs are how plain text sets them apart.
  const kept = type === schema.nodes.paragraph && all.length > 1 ? all.filter((line) => line.trim() !== "") : all;
  return kept.map((line, number) => {
    const attrs = like && isCode(like) ? { ...like.attrs, joined: number > 0 || like.attrs.joined } : { quoted: like?.attrs.quoted ?? false };
    return type.create(attrs, line ? schema.text(line) : null);
  });
}

/** `blocks` with their code in the language which an editor says it is in. */
function inLanguage(blocks: Node[], facts: string): Node[] {
  const language = /"mode"\s*:\s*"([\w+#.-]{1,30})"/.exec(facts)?.[1];
  if (!language || language === "plaintext") return blocks;
  return blocks.map((node) => (isCode(node) && node.attrs.language === "plain" ? node.type.create({ ...node.attrs, language }, node.content) : node));
}

/** Blocks that were copied from a page of Sheaf, as they were. Whoever wrote the clipboard, they obey the schema. */
function exact(html: string): Node[] | null {
  const match = new RegExp(`${EXACT}="([^"]*)"`).exec(html);
  if (!match?.[1]) return null;
  try {
    const blocks = JSON.parse(decodeURIComponent(match[1])) as Block[];
    const nodes = blocks.slice(0, PASTE_BLOCKS_MAX).map(nodeFrom);
    nodes.forEach((node) => node.check());
    return nodes;
  } catch {
    return null;
  }
}

export interface PasteHost {
  /** Markdown as blocks in JSON, empty when it could not be read; nothing while what reads it is not here. */
  markdown(text: string): string | null;
  /** Fetches what reads Markdown. */
  reader(): Promise<unknown>;
}

/** What a clipboard holds, kept: the browser empties its own as soon as the event is over. */
interface Pasted {
  text: string;
  html: string;
  /** What an editor of code says of it. */
  code: string;
}

const kept = (data: DataTransfer): Pasted => ({
  text: data.getData("text/plain"),
  html: data.getData("text/html"),
  code: data.getData("vscode-editor-data"),
});

/** Calls `paste` with the clipboard's content, at once unless what reads Markdown must be fetched first. */
function withReader(view: EditorView, data: Pasted, host: PasteHost, paste: () => void): void {
  const place = here(view.state);
  if (data.html || (place && isCode(place.node)) || !looksLikeMarkdown(data.text) || host.markdown("") !== null) return paste();
  const go = (): void => void (view.isDestroyed || paste());
  // Without it the text comes as it is.
  host.reader().then(go, go);
}

function blocksFrom({ text, html, code }: Pasted, state: EditorState, host: PasteHost): Node[] {
  const place = here(state);
  if (place && isCode(place.node)) return lines(text, place.node);
  if (html) {
    const blocks = exact(html) ?? inLanguage(blocksFromHtml(html), code);
    if (blocks.length > 0) return blocks;
  }
  if (looksLikeMarkdown(text)) {
    try {
      const blocks = (JSON.parse(host.markdown(text) || "[]") as Block[]).map(nodeFrom);
      if (blocks.length > 0) return blocks;
    } catch {
      // Then it is plain text.
    }
  }
  return text ? lines(text, place?.node ?? null) : [];
}

function paste(view: EditorView, data: Pasted, host: PasteHost): boolean {
  const { state } = view;
  const { from, to, empty } = state.selection;
  const text = data.text.trim();
  if (!empty && from < to && /^[a-z]+:\S+$/i.test(text) && isSafeLink(text) && state.selection.$from.sameParent(state.selection.$to) && !isCode(state.selection.$from.parent)) {
    return setLink(from, to, text)(state, view.dispatch);
  }
  const nodes = blocksFrom(data, state, host);
  if (nodes.length === 0) return false;
  const tr = state.tr;
  if (/^https?:\S+$/i.test(text) && isSafeLink(text) && nodes.length === 1 && !isCode(state.selection.$from.parent)) {
    tr.replaceSelectionWith(schema.text(text, [schema.mark("link", { href: text })]), false);
  } else replaceWithBlocks(tr, from, to, nodes);
  view.dispatch(tr.setMeta(JOIN, "alone").setMeta("paste", true).scrollIntoView());
  return true;
}

export function clipboard(host: PasteHost): Plugin {
  return new Plugin({
    props: {
      handleDOMEvents: {
        // Before ProseMirror reads the whole clipboard in its own way, for nothing.
        paste(view, event) {
          if (!event.clipboardData || !view.editable || view.composing) return false;
          // Files alone are nobody's text; the page may take them.
          if (event.clipboardData.types.length === 1 && event.clipboardData.types[0] === "Files") return false;
          const data = kept(event.clipboardData);
          withReader(view, data, host, () => paste(view, data, host));
          event.preventDefault();
          return true;
        },
      },
      // In a composition, where the above stays out of it.
      handlePaste(view, event) {
        if (!event.clipboardData || !view.editable) return false;
        const data = kept(event.clipboardData);
        withReader(view, data, host, () => paste(view, data, host));
        return true;
      },
      handleDrop(view, event, slice, moved) {
        if (moved || !event.dataTransfer || !view.editable) return false;
        const at = view.posAtCoords({ left: event.clientX, top: event.clientY });
        const data = kept(event.dataTransfer);
        if (!at || (data.text === "" && data.html === "")) return slice.size === 0;
        withReader(view, data, host, () => {
          const nodes = blocksFrom(data, view.state, host);
          if (nodes.length === 0) return;
          const tr = view.state.tr;
          replaceWithBlocks(tr, at.pos, at.pos, nodes);
          view.dispatch(tr.setMeta(JOIN, "alone").scrollIntoView());
        });
        return true;
      },
      clipboardTextSerializer: (slice) => markdownOf(blocksOf(slice.content)),
      clipboardSerializer: {
        serializeFragment(fragment: Fragment, options?: { document?: Document }) {
          const doc = options?.document ?? document;
          const blocks = blocksOf(fragment);
          const out = htmlOf(blocks, doc);
          const copy = encodeURIComponent(JSON.stringify(blocks.map(blockOf)));
          if (copy.length <= EXACT_CHARS_MAX) (out.firstChild as HTMLElement | null)?.setAttribute(EXACT, copy);
          return out;
        },
      } as unknown as DOMSerializer,
    },
  });
}

