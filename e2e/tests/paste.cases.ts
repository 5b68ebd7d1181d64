// What other programs put on the clipboard, and the blocks it should become. The markup was written for these tests, in
// the structure each program is known for. `fixtures/picture.ts` says how to read the drawings.

export type Paste = [name: string, forms: Record<string, string>, picture: string[]];

const item = (level: number, marker: string, words: string, list = "l0"): string =>
  `<p class=MsoListParagraphCxSpMiddle style='margin-left:${36 * level}.0pt;mso-add-space:auto;text-indent:-18.0pt;mso-list:${list} level${level} lfo1'><![if !supportLists]><span style='mso-bidi-font-family:Calibri'><span style='mso-list:Ignore'>${marker}<span style='font:7.0pt "Times New Roman"'>&nbsp;&nbsp;&nbsp;&nbsp; </span></span></span><![endif]>${words}<o:p></o:p></p>`;

const word = `<html xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:w="urn:schemas-microsoft-com:office:word" xmlns="http://www.w3.org/TR/REC-html40">
<head><meta name=Generator content="Microsoft Word 15"><!--[if gte mso 9]><xml><w:WordDocument><w:View>Normal</w:View></w:WordDocument></xml><![endif]--><style><!-- p.MsoNormal {margin:0cm; font-size:11.0pt} @list l0 {mso-list-id:1} --></style></head>
<body lang=EN-GB style='tab-interval:36.0pt;word-wrap:break-word'><!--StartFragment-->
<p class=MsoTitle>River survey<o:p></o:p></p>
<h2 style='mso-style-next:Normal'>Before we leave<o:p></o:p></h2>
<p class=MsoNormal>We agreed on <b style='mso-bidi-font-weight:normal'>three</b> things, <i>not</i> four;<span style='mso-spacerun:yes'>  </span>see <a href="https://example.org/minutes"><span style='color:#0563C1'>the minutes</span></a>.<o:p></o:p></p>
<p class=MsoNormal><o:p>&nbsp;</o:p></p>
${item(1, "·", "Boats")}
${item(2, "o", "the long one")}
${item(3, "§", "its oars")}
${item(1, "·", "Nets")}
${item(1, "1.", "Sign out", "l1")}
${item(2, "a.", "<b>at</b> the lodge", "l1")}
${item(1, "2.", "Go", "l1")}
<table class=MsoTableGrid border=1 cellspacing=0 cellpadding=0><tr><td width=301 valign=top><p class=MsoNormal><b>Date<o:p></o:p></b></p></td><td width=301 valign=top><p class=MsoNormal><b>Low water<o:p></o:p></b></p></td></tr><tr><td><p class=MsoNormal>12 April<o:p></o:p></p></td><td><p class=MsoNormal>06:42<o:p></o:p></p></td></tr></table>
<p class=MsoNormal align=center style='text-align:center'>The <s>end</s><u>start</u><o:p></o:p></p>
<!--EndFragment--></body></html>`;

const wordOnline = `<div class="OutlineElement"><p class="Paragraph" xml:lang="EN-GB"><span class="TextRun" data-contrast="auto"><span class="NormalTextRun">Take:</span></span><span class="EOP">&nbsp;</span></p></div>
<div class="ListContainerWrapper"><ul class="BulletListStyle1" role="list"><li class="OutlineElement" data-leveltext="" data-aria-level="1" aria-setsize="-1" role="listitem" style="margin-left:24px"><p class="Paragraph"><span class="TextRun"><span class="NormalTextRun">rope</span></span><span class="EOP">&nbsp;</span></p></li></ul></div>
<div class="ListContainerWrapper"><ul class="BulletListStyle2" role="list"><li class="OutlineElement" data-leveltext="o" data-aria-level="2" role="listitem" style="margin-left:72px"><p class="Paragraph"><span class="TextRun"><span class="NormalTextRun">thirty metres</span></span><span class="EOP">&nbsp;</span></p></li></ul></div>`;

const docsItem = (words: string, level: number): string =>
  `<li dir="ltr" style="list-style-type:disc;font-size:11pt;font-weight:400" aria-level="${level}"><p dir="ltr" style="line-height:1.38;margin-top:0pt" role="presentation"><span style="font-size:11pt;font-weight:400;text-decoration:none">${words}</span></p></li>`;
const docsTask = (words: string, checked: boolean): string =>
  `<li dir="ltr" role="checkbox" aria-checked="${checked}" style="list-style-type:none" aria-level="1"><img src="data:image/png;base64,iVBORw0KGgo=" width="17px" height="18px" alt="${checked ? "checked" : "unchecked"}" aria-roledescription="checkbox" style="margin-right:3px;" /><p dir="ltr" style="display:inline-block" role="presentation"><span style="font-weight:400;text-decoration:${checked ? "line-through" : "none"}">${words}</span></p></li>`;
const docs = `<meta charset='utf-8'><meta charset="utf-8"><b style="font-weight:normal;" id="docs-internal-guid-1f0c2d3e-7fff-0000-0000-000000000000"><h1 dir="ltr" style="line-height:1.38"><span style="font-size:20pt;font-weight:400;font-style:normal;text-decoration:none">Route</span></h1><p dir="ltr"><span style="font-weight:400">Take the </span><span style="font-weight:700">left</span><span style="font-weight:400"> bank, </span><span style="font-weight:400;font-style:italic">slowly</span><span style="font-weight:400">; see </span><a href="https://example.org/map" style="text-decoration:none;"><span style="color:#1155cc;font-weight:400;text-decoration:underline;-webkit-text-decoration-skip:none">the map</span></a><span style="font-weight:400">.</span></p><br /><ul style="margin-top:0;padding-inline-start:48px">${docsItem("Weir", 1)}<ul style="margin-top:0">${docsItem("north side", 2)}</ul>${docsItem("Mill", 1)}</ul><ol style="margin-top:0">${docsItem("Go", 1)}${docsItem("Come back", 1)}</ol><ul style="padding-inline-start:28px">${docsTask("Charge the lamp", false)}${docsTask("Print the map", true)}</ul><div dir="ltr" style="margin-left:0pt" align="left"><table style="border:none;border-collapse:collapse"><colgroup><col width="312" /><col width="312" /></colgroup><tbody><tr style="height:0pt"><td style="border:solid"><p dir="ltr"><span style="font-weight:700">Date</span></p></td><td><p dir="ltr"><span style="font-weight:700">Sites</span></p></td></tr><tr><td><p dir="ltr"><span style="font-weight:400">12 April</span></p></td><td><p dir="ltr"><span style="font-weight:400">1–3</span></p></td></tr></tbody></table></div></b><br class="Apple-interchange-newline">`;

const notion = `<meta charset='utf-8'><h2>Packing</h2>
<p>Everything <strong>dry</strong>, <em>really</em>, <code>-40 °C</code>.</p>
<ul>
<li>Food
<ul>
<li>Bread</li>
</ul>
</li>
</ul>
<ul>
<li>[ ]  Lamp</li>
<li>[x]  Map</li>
</ul>
<ol>
<li>First</li>
<li>Second</li>
</ol>
<blockquote>
<p>Nothing is lost.</p>
</blockquote>
<hr>
<pre><code class="language-rust">fn main() {
    row();
}
</code></pre>
<details><summary>More</summary><p>Inside</p></details>
<!-- notionvc: 00000000-0000-0000-0000-000000000000 -->`;

const notes = `<!DOCTYPE html PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd"><html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"><meta name="Generator" content="Cocoa HTML Writer"><style type="text/css">p.p1 {margin: 0.0px; font: 18.0px Helvetica} li.li1 {margin: 0.0px} ul.ul1 {list-style-type: disc}</style></head><body>
<p class="p1"><b>Sunday</b></p>
<p class="p2"><br></p>
<ul class="ul1"><li class="li1">Bread</li><ul class="ul1"><li class="li1">rye</li></ul><li class="li1">Salt</li></ul>
<ul class="Apple-dash-list"><li>Oars</li></ul>
<p class="p1">See <a href="https://example.org/">https://example.org/</a></p></body></html>`;

const github = `<meta charset='utf-8'><div class="markdown-heading" dir="auto"><h2 tabindex="-1" class="heading-element" dir="auto">Usage</h2><a id="user-content-usage" class="anchor" aria-label="Permalink: Usage" href="#usage"><svg class="octicon" viewBox="0 0 16 16"><path d="m7.775 3.275"></path></svg></a></div>
<p dir="auto">Run <code>sheaf serve</code>, then <a href="https://example.org/docs" rel="nofollow">read on</a>.</p>
<ul class="contains-task-list"><li class="task-list-item enabled"><input type="checkbox" class="task-list-item-checkbox" checked="" disabled=""> Build</li><li class="task-list-item"><input type="checkbox" class="task-list-item-checkbox" disabled=""> Ship</li></ul>
<div class="highlight highlight-source-rust notranslate position-relative overflow-auto" dir="auto"><pre><span class="pl-k">fn</span> <span class="pl-en">main</span><span class="pl-kos">(</span><span class="pl-kos">)</span> <span class="pl-kos">{</span>
    <span class="pl-en">row</span><span class="pl-kos">(</span><span class="pl-kos">)</span>
<span class="pl-kos">}</span></pre><div class="zeroclipboard-container"><clipboard-copy aria-label="Copy" value="x"><svg></svg></clipboard-copy></div></div>
<markdown-accessiblity-table><table tabindex="0"><thead><tr><th>Flag</th><th>Means</th></tr></thead><tbody><tr><td><code>--open</code></td><td>beyond <strong>this</strong> machine</td></tr></tbody></table></markdown-accessiblity-table>`;

const code = `<meta charset='utf-8'><div style="color: #cccccc;background-color: #1f1f1f;font-family: Menlo, Monaco, 'Courier New', monospace;font-weight: normal;font-size: 12px;line-height: 18px;white-space: pre;"><div><span style="color: #569cd6;">fn</span><span style="color: #cccccc;"> </span><span style="color: #dcdcaa;">main</span><span style="color: #cccccc;">() {</span></div><div><span style="color: #cccccc;">    row();</span></div><br><div><span style="color: #cccccc;">}</span></div></div>`;

const sheet = `<meta name="generator" content="Sheets"/><style type="text/css"><!--td {border: 1px solid #cccccc;}br {mso-data-placement:same-cell;}--></style><table xmlns="http://www.w3.org/1999/xhtml" cellspacing="0" cellpadding="0" dir="ltr" border="1" style="table-layout:fixed;font-size:10pt" data-sheets-root="1"><colgroup><col width="100"/><col width="100"/><col width="100"/></colgroup><tbody><tr style="height:21px;"><td style="font-weight:bold">Date</td><td>Low<br>water</td><td></td></tr><tr style="height:21px;"><td>12 April</td><td></td><td style="text-align:right;">3</td></tr></tbody></table>`;

const terminal = "# as root\n$ cargo test -p sheaf-shared\n   Compiling sheaf-shared v0.1.0\n    Finished in 2.41s\n\nrunning 2 tests\ntest a_b * 2 ... ok\ntest __init__ ... ok\n";

export const pastes: Paste[] = [
  [
    "a document from Word",
    { "text/html": word, "text/plain": "River survey\r\nBefore we leave\r\n…" },
    [
      "# River survey",
      "## Before we leave",
      "We agreed on *three* things, _not_ four; see <the minutes→https://example.org/minutes>.",
      "- Boats",
      "  - the long one",
      "    - its oars",
      "- Nets",
      "1. Sign out",
      "  1. *at* the lodge",
      "1. Go",
      "*Date* | *Low water*",
      "12 April | 06:42",
      "The ~end~+start+",
    ],
  ],
  ["a list from Word in a browser, nested by its margins", { "text/html": wordOnline, "text/plain": "Take:\nrope\nthirty metres" }, ["Take:", "- rope", "  - thirty metres"]],
  [
    "a document from Google Docs",
    { "text/html": docs, "text/plain": "Route\n…" },
    [
      "# Route",
      "Take the *left* bank, _slowly_; see <the map→https://example.org/map>.",
      "- Weir",
      "  - north side",
      "- Mill",
      "1. Go",
      "1. Come back",
      "☐ Charge the lamp",
      "☑ Print the map",
      "*Date* | *Sites*",
      "12 April | 1–3",
    ],
  ],
  [
    "a page from Notion",
    { "text/html": notion, "text/plain": "## Packing\n…" },
    [
      "## Packing",
      "Everything *dry*, _really_, `-40 °C`.",
      "- Food",
      "  - Bread",
      "☐ Lamp",
      "☑ Map",
      "1. First",
      "1. Second",
      "> Nothing is lost.",
      "---",
      "``` fn main() {",
      "..     row();",
      ".. }",
      "More",
      "Inside",
    ],
  ],
  ["a note from Apple Notes", { "text/html": notes, "text/plain": "Sunday\n…" }, ["*Sunday*", "", "- Bread", "  - rye", "- Salt", "- Oars", "See <https://example.org/→https://example.org/>"]],
  [
    "a page of GitHub",
    { "text/html": github, "text/plain": "Usage\n…" },
    [
      "## Usage",
      "Run `sheaf serve`, then <read on→https://example.org/docs>.",
      "☑ Build",
      "☐ Ship",
      "``` fn main() {",
      "..     row()",
      ".. }",
      "*Flag* | *Means*",
      "`--open` | beyond *this* machine",
    ],
  ],
  ["code from VS Code", { "text/html": code, "text/plain": "fn main() {\n    row();\n\n}" }, ["``` fn main() {", "..     row();", ".. ", ".. }"]],
  ["cells from a spreadsheet", { "text/html": sheet, "text/plain": "Date\tLow water\t\n12 April\t\t3" }, ["*Date* | Low water |", "12 April | | 3"]],
  [
    "lines from a terminal",
    { "text/plain": terminal },
    ["\\# as root", "$ cargo test -p sheaf-shared", "   Compiling sheaf-shared v0.1.0", "    Finished in 2.41s", "running 2 tests", "test a_b * 2 ... ok", "test __init__ ... ok"],
  ],
];
