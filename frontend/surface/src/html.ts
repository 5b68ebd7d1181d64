// Foreign HTML (Word, Google Docs, any page) read as blocks. The HTML is parsed in a document of its own that runs
// nothing and loads nothing, and only what the schema knows is taken from it.

import type { Mark, Node } from "prosemirror-model";
import { isBreak, isSafeLink, schema } from "./schema";

/** Most blocks taken from one paste. */
export const PASTE_BLOCKS_MAX = 50_000;
/** Deepest nesting followed, in elements. */
const DEPTH_MAX = 200;

interface Context {
  marks: readonly Mark[];
  /** Kind of the list around, if any, and how deep. */
  list: "bullet" | "ordered" | null;
  start: number | null;
  depth: number;
  quoted: boolean;
  level: number;
  /** In a task that is done. Its words are drawn struck out without being it. */
  done: boolean;
}

const BLOCKS = new Set(
  "address article aside body center dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tbody td tfoot th thead tr ul blockquote".split(" "),
);
const SKIPPED = new Set("head iframe math meta noscript object script select style svg template textarea title link".split(" "));

class Reader {
  readonly blocks: Node[] = [];
  private inline: Node[] = [];
  /** The kind the block at hand will be. */
  private kind: { name: string; attrs: Record<string, unknown> } = { name: "paragraph", attrs: {} };

  /** Words alone, in no block of their own: what stands before and behind them is theirs. */
  words(): Node[] {
    if (this.blocks.length > 0 || this.inline.length === 0) return [];
    const content = trim(this.inline, "inside");
    return content.length > 0 ? [schema.nodes.paragraph!.create(null, content)] : [];
  }

  /** Ends the block at hand. An empty one counts only where the source means it. */
  close(keepEmpty = false): void {
    let content = trim(this.inline, "everywhere");
    this.inline = [];
    let { name, attrs } = this.kind;
    const box = name === "bullet" && content[0]?.isText ? /^\[([ xX])\]\s+/.exec(content[0].text!) : null;
    if (box) {
      // A task as Markdown writes it.
      const first = content[0]!.text!.slice(box[0].length);
      content = [...(first ? [schema.text(first, content[0]!.marks)] : []), ...content.slice(1)];
      [name, attrs] = ["task", { ...attrs, done: box[1] !== " " }];
    }
    if ((content.length > 0 || keepEmpty) && this.blocks.length < PASTE_BLOCKS_MAX) {
      this.blocks.push(schema.nodes[name]!.create(attrs, content));
    }
  }

  walk(parent: globalThis.Node, context: Context): void {
    for (const child of parent.childNodes) {
      if (child.nodeType === 3) this.text(child.nodeValue ?? "", context);
      else if (child.nodeType === 1) this.element(child as HTMLElement, context);
    }
  }

  private text(raw: string, context: Context): void {
    const text = raw.replace(/[ \t\r\n\f]+/g, " ");
    // Lines between the pieces of the markup are no words.
    if (text === "" || (text === " " && (this.inline.length === 0 || (context.level === 0 && raw.includes("\n"))))) return;
    this.inline.push(schema.text(text, context.marks));
  }

  private element(dom: HTMLElement, context: Context): void {
    const tag = dom.tagName.toLowerCase();
    const style = styleOf(dom);
    if (SKIPPED.has(tag) || context.level > DEPTH_MAX || style.display === "none" || /mso-list:\s*ignore/i.test(dom.getAttribute("style") ?? "")) return;
    if (dom.classList.contains("Apple-converted-space")) {
      this.inline.push(schema.text(" ", context.marks));
      return;
    }
    const inner = { ...context, level: context.level + 1, marks: marksFor(dom, tag, style, context) };
    switch (tag) {
      case "br":
        if (!dom.classList.contains("Apple-interchange-newline")) this.inline.push(schema.node("embed", { value: { break: true } }));
        return;
      case "img":
        this.image(dom as HTMLImageElement, inner);
        return;
      case "hr":
        this.close();
        this.blocks.push(schema.node("divider", { quoted: context.quoted }));
        return;
      case "pre":
        this.close();
        this.code(dom, context);
        return;
      case "ul":
      case "ol": {
        this.close();
        const start = tag === "ol" ? Number(dom.getAttribute("start") ?? 1) : 1;
        this.walk(dom, { ...inner, list: tag === "ol" ? "ordered" : "bullet", start: start === 1 ? null : start, depth: context.depth + 1 });
        this.close();
        return;
      }
      case "li":
        this.item(dom, inner);
        return;
      case "blockquote":
        this.close();
        this.walk(dom, { ...inner, quoted: true });
        this.close();
        return;
      case "tr":
        this.row(dom, inner);
        return;
    }
    if (!BLOCKS.has(tag)) {
      this.walk(dom, inner);
      return;
    }
    if (tag === "div" && isEditor(dom, style)) {
      this.close();
      this.code(dom, context);
      return;
    }
    this.close();
    const before = this.kind;
    this.kind = kindOf(dom, tag, context) ?? (context.list ? before : { name: "paragraph", attrs: { quoted: context.quoted } });
    this.walk(dom, inner);
    this.close(tag === "p" && dom.textContent?.trim() === "" && dom.querySelector("br") !== null);
    this.kind = before;
  }

  private item(dom: HTMLElement, context: Context): void {
    this.close();
    const before = this.kind;
    const box = dom.querySelector<HTMLElement>(":scope > input[type=checkbox], :scope > p > input[type=checkbox], :scope > label > input[type=checkbox]");
    const aria = dom.getAttribute("role") === "checkbox" ? dom.getAttribute("aria-checked") : null;
    // Some programs write each item as a list of its own, and say how deep it is.
    const level = Number(dom.getAttribute("aria-level") ?? dom.dataset.ariaLevel ?? 1);
    const indent = Math.min(Math.max(context.depth, Number.isInteger(level) ? level : 1, 1) - 1, 8);
    const attrs = { indent, quoted: context.quoted };
    if (box || aria !== null) {
      this.kind = { name: "task", attrs: { ...attrs, done: box ? box.hasAttribute("checked") : aria === "true" } };
    } else if (context.list === "ordered") {
      const first = dom.previousElementSibling === null;
      this.kind = { name: "ordered", attrs: { ...attrs, start: first ? context.start : null } };
    } else this.kind = { name: "bullet", attrs };
    const count = this.blocks.length;
    this.walk(dom, { ...context, done: this.kind.attrs.done === true });
    this.close(this.blocks.length === count);
    this.kind = before;
  }

  private row(dom: HTMLElement, context: Context): void {
    this.close();
    const before = this.kind;
    this.kind = { name: "paragraph", attrs: { quoted: context.quoted } };
    [...dom.children].forEach((cell, number) => {
      if (number > 0) this.inline.push(schema.text(" | "));
      // Cells become text of one line: what would be blocks in them is joined by spaces.
      const within = new Reader();
      const marks = marksFor(cell as HTMLElement, "td", styleOf(cell as HTMLElement), context);
      within.walk(cell, { ...context, marks: cell.tagName === "TH" ? schema.mark("bold").addToSet(marks) : marks, quoted: false });
      within.close();
      within.blocks.forEach((block, row) => {
        if (row > 0) this.inline.push(schema.text(" "));
        block.forEach((node) => void this.inline.push(isBreak(node) ? schema.text(" ") : node));
      });
    });
    this.close();
    this.kind = before;
  }

  private code(dom: HTMLElement, context: Context): void {
    for (const br of dom.querySelectorAll("br")) br.replaceWith("\n");
    const names = `${dom.className} ${dom.firstElementChild?.className ?? ""} ${dom.parentElement?.className ?? ""}`;
    const named = /\b(?:lang(?:uage)?|highlight-source)-([\w+#.-]{1,30})/.exec(names);
    const language = named?.[1]?.toLowerCase() ?? dom.getAttribute("data-language") ?? "plain";
    // Editors write a line as an element, and an empty one as a break.
    const rows = dom.tagName === "DIV" ? [...dom.childNodes].map((row) => (row.textContent ?? "").replace(/\n$/, "")) : [dom.textContent ?? ""];
    const lines = rows.join("\n").replace(/\r\n?/g, "\n").replace(/\n$/, "").split("\n");
    for (const [number, line] of lines.entries()) {
      if (this.blocks.length >= PASTE_BLOCKS_MAX) return;
      const attrs = { language, quoted: context.quoted, joined: number > 0 };
      this.blocks.push(schema.nodes.code!.create(attrs, line ? schema.text(line) : null));
    }
  }

  private image(dom: HTMLImageElement, context: Context): void {
    // The picture of a box, beside an item that says that it is one.
    if (dom.getAttribute("aria-roledescription") === "checkbox") return;
    const source = dom.getAttribute("src") ?? "";
    const alt = dom.getAttribute("alt") ?? "";
    if (/^https?:/i.test(source) && isSafeLink(source)) {
      const marks = alt ? schema.mark("other", { key: "alt", value: alt }).addToSet(context.marks) : context.marks;
      this.inline.push(schema.node("embed", { value: { image: source } }, undefined, marks));
    } else if (alt) this.inline.push(schema.text(alt, context.marks));
  }
}

/** Without doubled spaces inside, and without any at the ends where they are the markup's and not the text's. */
function trim(inline: Node[], where: "inside" | "everywhere"): Node[] {
  const out: Node[] = [];
  let spaced = where === "everywhere";
  for (const node of inline) {
    if (!node.isText) {
      out.push(node);
      spaced = true;
      continue;
    }
    let text = node.text ?? "";
    if (spaced) text = text.replace(/^ +/, "");
    if (text === "") continue;
    spaced = text.endsWith(" ");
    out.push(schema.text(text, node.marks));
  }
  if (where === "inside") return out;
  for (let last = out[out.length - 1]; last; last = out[out.length - 1]) {
    // Word ends its paragraphs with a space that does not break, and writes empty ones as such a space.
    const text = last.isText ? (last.text ?? "").replace(/[ \u00a0]+$/, "") : "";
    // A break at the end of a block draws nothing.
    if (last.isText && text !== "") {
      if (text !== last.text) out[out.length - 1] = schema.text(text, last.marks);
      break;
    }
    if (!last.isText && last.attrs.value?.break !== true) break;
    out.pop();
  }
  return out;
}

function kindOf(dom: HTMLElement, tag: string, context: Context): { name: string; attrs: Record<string, unknown> } | null {
  const attrs: Record<string, unknown> = { quoted: context.quoted };
  const style = dom.getAttribute("style") ?? "";
  const align = styleOf(dom).textAlign;
  if (["center", "right", "justify"].includes(align)) attrs.align = align;
  // Word's lists are paragraphs that say so in their style.
  const level = /mso-list:\s*l\d+\s+level(\d+)/i.exec(style);
  if (level) {
    const marker = [...dom.querySelectorAll<HTMLElement>("[style]")].find((it) => /mso-list:\s*ignore/i.test(it.getAttribute("style") ?? ""));
    const counted = /^\s*\(?(\d+|[a-z]{1,3}|[ivx]+)[.)]/i.test(marker?.textContent ?? "");
    return { name: counted ? "ordered" : "bullet", attrs: { ...attrs, indent: Math.min(Math.max(Number(level[1]) - 1, 0), 8) } };
  }
  const heading = /^h([1-6])$/.exec(tag) ?? /\bMsoHeading([1-6])\b/.exec(dom.className);
  if (heading) return { name: "heading", attrs: { ...attrs, level: Number(heading[1]) } };
  if (/\bMsoTitle\b/.test(dom.className)) return { name: "heading", attrs: { ...attrs, level: 1 } };
  return context.list ? null : { name: "paragraph", attrs };
}

/** What the `style` attribute says. Where the page forbids inline styles the parsed element itself knows nothing of it. */
function styleOf(dom: HTMLElement): CSSStyleDeclaration {
  const { style } = document.createElement("span");
  style.cssText = dom.getAttribute("style") ?? "";
  return style;
}

/** Whether `dom` is lines copied from an editor of code: each an element, in letters of one width. */
function isEditor(dom: HTMLElement, style: CSSStyleDeclaration): boolean {
  return style.whiteSpace.startsWith("pre") && /mono|menlo|consolas|courier/i.test(style.fontFamily) && dom.querySelector(":scope > div, :scope > br") !== null;
}

function marksFor(dom: HTMLElement, tag: string, style: CSSStyleDeclaration, { marks, done }: Context): readonly Mark[] {
  let set = marks;
  const add = (name: string): void => void (set = schema.mark(name).addToSet(set));
  const drop = (name: string): void => void (set = schema.marks[name]!.removeFromSet(set));
  const weight = style.fontWeight;
  const light = weight === "normal" || weight === "400" || weight === "lighter";
  // Google Docs wraps everything in a <b> that is not bold.
  if ((tag === "b" || tag === "strong") && !light) add("bold");
  else if (weight === "bold" || weight === "bolder" || Number(weight) >= 600) add("bold");
  else if (light && tag !== "b") drop("bold");
  if (tag === "i" || tag === "em" || style.fontStyle === "italic") add("italic");
  const line = `${style.textDecoration} ${style.textDecorationLine}`;
  // A link is underlined anyway.
  const isLink = tag === "a" || schema.marks.link!.isInSet(marks) !== undefined;
  if (tag === "u" || tag === "ins" || (line.includes("underline") && !isLink)) add("underline");
  if (tag === "s" || tag === "del" || tag === "strike" || (line.includes("line-through") && !done)) add("strike");
  if (tag === "code" || tag === "kbd" || tag === "samp" || tag === "tt") add("monospace");
  if (tag === "mark") add("highlight");
  if (tag === "a") {
    const href = dom.getAttribute("href");
    if (isSafeLink(href) && !href.startsWith("#")) set = schema.mark("link", { href }).addToSet(set);
    drop("underline");
  }
  return set;
}

/** Blocks of an HTML text; empty if there is nothing in it. */
export function blocksFromHtml(html: string): Node[] {
  // Word puts its list markers between conditional comments that other parsers show.
  const clean = html.replace(/<!\[(?:end)?if[^\]]*\]>/gi, "").replace(/<o:p>|<\/o:p>/gi, "");
  const page = new DOMParser().parseFromString(clean, "text/html");
  const reader = new Reader();
  reader.walk(page.body, { marks: [], list: null, start: null, depth: 0, quoted: false, level: 0, done: false });
  const words = reader.words();
  if (words.length > 0) return words;
  reader.close();
  return reader.blocks;
}
