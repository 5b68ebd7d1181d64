// What the surface can show: a flat list of blocks, one for each line of the flow.
//
// A code block is one node per line. So a block is always one newline of the flow, Enter, joins and pastes in code are
// what they are everywhere else, and two people in one code block meet like two people in two paragraphs. Lines
// that belong together carry `joined`, which the binding derives, and the style sheet closes the gap between them.

import { Schema, type Attrs, type DOMOutputSpec, type Mark, type Node, type NodeSpec } from "prosemirror-model";

/** Attributes every block has. */
const common = { indent: { default: 0 }, quoted: { default: false }, align: { default: null } };

const INDENT_MAX = 8;

function blockAttrs(node: Node, name: string, more: Record<string, string | undefined> = {}): Record<string, string> {
  const attrs: Record<string, string> = { class: `block ${name}${node.attrs.quoted ? " quoted" : ""}` };
  const indent = Math.min(Number(node.attrs.indent) || 0, INDENT_MAX);
  if (indent > 0) attrs["data-indent"] = String(indent);
  if (node.attrs.align) attrs["data-align"] = String(node.attrs.align);
  for (const [key, value] of Object.entries(more)) if (value !== undefined) attrs[key] = value;
  return attrs;
}

function textblock(spec: Partial<NodeSpec> & { attrs?: NodeSpec["attrs"] }): NodeSpec {
  return { group: "block", content: "inline*", marks: "drawn", ...spec, attrs: { ...common, ...spec.attrs } };
}

/** Whether an address may be followed or stored; the same rule as `sheaf_shared::flow::marks::is_safe_link`. */
export function isSafeLink(address: unknown): address is string {
  if (typeof address !== "string" || address === "" || address.length > 4096) return false;
  if (/[\s\u0000-\u001f\u007f-\u009f]/.test(address)) return false;
  const scheme = /^([^:/?#]*)([:/?#])/.exec(address);
  if (!scheme || scheme[2] !== ":") return true;
  return ["http", "https", "mailto"].includes((scheme[1] ?? "").toLowerCase());
}

const isColour = (value: unknown): value is string =>
  typeof value === "string" && value.length <= 32 && /^#?[a-z0-9-]+$/i.test(value);

/** The one key that names an embed's type. */
export function embedType(value: unknown): string {
  return value !== null && typeof value === "object" ? (Object.keys(value)[0] ?? "") : "";
}

export const isBreak = (node: Node): boolean =>
  node.type.name === "embed" && embedType(node.attrs.value) === "break";

function drawEmbed(node: Node): DOMOutputSpec {
  const value = node.attrs.value as Record<string, unknown> | null;
  const type = embedType(value);
  if (type === "break") return ["br"];
  const other = (key: string): string | undefined => {
    const mark = node.marks.find((it) => it.type.name === "other" && it.attrs.key === key);
    return typeof mark?.attrs.value === "string" ? mark.attrs.value : undefined;
  };
  const source = value?.[type];
  if (type === "image" && isSafeLink(source) && !source.startsWith("mailto:")) {
    return ["img", { class: "image", src: source, alt: other("alt") ?? "", loading: "lazy", draggable: "false" }];
  }
  const names: Record<string, string> = {
    formula: typeof source === "string" ? source : "formula",
    mention: "mention",
    page: "page",
    table: "table",
    file: "file",
    image: "image",
    divider: "―",
  };
  return ["span", { class: "embed", title: "Kept as it is; this version can't draw it" }, names[type] ?? (type || "?")];
}

export const schema = new Schema({
  nodes: {
    // Blocks carry no marks but the group they are drawn in.
    doc: { content: "block+", marks: "group" },
    paragraph: textblock({
      parseDOM: [{ tag: "p" }, { tag: "div", priority: 10 }],
      toDOM: (node) => ["p", blockAttrs(node, "paragraph"), 0],
    }),
    heading: textblock({
      attrs: { level: { default: 1 } },
      defining: true,
      parseDOM: [1, 2, 3, 4, 5, 6].map((level) => ({ tag: `h${level}`, attrs: { level } })),
      // The page's title is the one h1.
      toDOM: (node) => [`h${Math.min(Number(node.attrs.level) + 1, 6)}`, blockAttrs(node, `heading level-${node.attrs.level}`), 0],
    }),
    bullet: textblock({
      parseDOM: [{ tag: "ul > li" }, { tag: "div.bullet" }],
      toDOM: (node) => ["div", blockAttrs(node, "item bullet"), 0],
    }),
    ordered: textblock({
      attrs: { start: { default: null } },
      parseDOM: [{ tag: "ol > li" }, { tag: "div.ordered" }],
      // numbers.ts adds the number.
      toDOM: (node) => ["div", blockAttrs(node, "item ordered"), 0],
    }),
    task: textblock({
      attrs: { done: { default: false } },
      parseDOM: [{ tag: "div.task", contentElement: ".words" }],
      toDOM: (node) => [
        "div",
        blockAttrs(node, `item task${node.attrs.done ? " done" : ""}`),
        [
          "span",
          {
            class: "box",
            role: "checkbox",
            "aria-checked": node.attrs.done ? "true" : "false",
            "aria-label": node.attrs.done ? "Done" : "Not done",
            contenteditable: "false",
          },
        ],
        ["div", { class: "words" }, 0],
      ],
    }),
    code: textblock({
      attrs: { language: { default: "plain" }, fence: { default: null }, joined: { default: false } },
      code: true,
      defining: true,
      parseDOM: [{ tag: "pre", preserveWhitespace: "full" }],
      toDOM: (node) => [
        "pre",
        blockAttrs(node, `code${node.attrs.joined ? " joined" : ""}`, {
          "data-language": node.attrs.joined || node.attrs.language === "plain" ? undefined : String(node.attrs.language),
          spellcheck: "false",
        }),
        ["code", 0],
      ],
    }),
    callout: textblock({
      attrs: { tone: { default: "info" } },
      toDOM: (node) => ["div", blockAttrs(node, "callout", { "data-tone": String(node.attrs.tone) }), 0],
    }),
    divider: {
      group: "block",
      attrs: { ...common, value: { default: { divider: true } } },
      parseDOM: [{ tag: "hr" }],
      toDOM: (node) => ["div", blockAttrs(node, "divider"), ["hr"]],
    },
    text: { group: "inline" },
    embed: {
      group: "inline",
      inline: true,
      attrs: { value: { default: null } },
      leafText: (node) => (isBreak(node) ? "\n" : ""),
      parseDOM: [{ tag: "br", getAttrs: () => ({ value: { break: true } }), priority: 5 }],
      toDOM: drawEmbed,
    },
  },
  // In the order in which marks nest.
  marks: {
    // See groups.ts. Never stored, never told.
    group: {
      attrs: { id: {} },
      parseDOM: [{ tag: "div.block-group", getAttrs: (dom) => ({ id: Number(dom.dataset.group) }) }],
      toDOM: (mark) => ["div", { class: "block-group", "data-group": String(mark.attrs.id) }, 0],
    },
    link: {
      group: "drawn",
      attrs: { href: {} },
      inclusive: false,
      parseDOM: [
        {
          tag: "a[href]",
          getAttrs: (dom) => {
            const href = dom.getAttribute("href");
            return isSafeLink(href) ? { href } : false;
          },
        },
      ],
      toDOM: (mark) =>
        isSafeLink(mark.attrs.href)
          ? ["a", { href: mark.attrs.href, rel: "noopener noreferrer nofollow", target: "_blank" }, 0]
          : ["span", { class: "dead-link" }, 0],
    },
    highlight: {
      group: "drawn",
      attrs: { colour: { default: "yellow" } },
      parseDOM: [{ tag: "mark" }],
      toDOM: (mark) => ["mark", { "data-colour": isColour(mark.attrs.colour) ? mark.attrs.colour : "yellow" }, 0],
    },
    bold: { group: "drawn", parseDOM: [{ tag: "strong" }, { tag: "b" }], toDOM: () => ["strong", 0] },
    italic: { group: "drawn", parseDOM: [{ tag: "em" }, { tag: "i" }], toDOM: () => ["em", 0] },
    underline: { group: "drawn", parseDOM: [{ tag: "u" }], toDOM: () => ["u", 0] },
    strike: { group: "drawn", parseDOM: [{ tag: "s" }, { tag: "del" }], toDOM: () => ["s", 0] },
    // Stored as `code`; a mark and a node can't share a name.
    monospace: { group: "drawn", parseDOM: [{ tag: "code" }], toDOM: () => ["code", { class: "inline" }, 0] },
    // An attribute this version does not know. Drawn as nothing, and copied and typed on like the others.
    other: { group: "drawn", attrs: { key: {}, value: {} }, excludes: "", toDOM: () => ["span", 0] },
  },
});

export type Kind = "paragraph" | "heading" | "bullet" | "ordered" | "task" | "code" | "callout" | "divider";

export const isList = (node: Node): boolean => ["bullet", "ordered", "task"].includes(node.type.name);
export const isCode = (node: Node): boolean => node.type.name === "code";

/** A block of another kind that keeps indent, quotation and side of `node`. */
export function keeping(node: Node, attrs: Attrs = {}): Attrs {
  const { indent, quoted, align } = node.attrs;
  return { indent, quoted, align, ...attrs };
}

/** Whether two code lines belong to one block. */
export function sameBlock(one: Node | null | undefined, other: Node | null | undefined): boolean {
  return (
    !!one && !!other && isCode(one) && isCode(other) &&
    (["fence", "language", "quoted", "indent"] as const).every((key) => one.attrs[key] === other.attrs[key])
  );
}

export const hasMark = (marks: readonly Mark[], name: string): boolean => marks.some((it) => it.type.name === name);
