// What comes from other programs by the clipboard, and what goes to them.

import type { Page } from "@playwright/test";
import { sameText } from "../fixtures/app.ts";
import { onlyInChromium } from "../fixtures/devtools.ts";
import { expect, test, type Person } from "../fixtures/people.ts";
import { Picture, still } from "../fixtures/picture.ts";
import { pastes } from "./paste.cases.ts";

// What is pasted may have to wait for the reader of Markdown and HTML, which is fetched when the page first has a moment.
const gently = expect.configure({ soft: true });

/** Puts these forms of one thing on the clipboard, as another program does: nothing is cleaned on the way. */
async function copyElsewhere(page: Page, forms: Record<string, string>): Promise<void> {
  const other = await page.context().newPage();
  await other.evaluate((forms) => {
    document.body.textContent = "something selected";
    document.getSelection()!.selectAllChildren(document.body);
    document.addEventListener("copy", (event) => {
      for (const [type, content] of Object.entries(forms)) event.clipboardData!.setData(type, content);
      event.preventDefault();
    });
  }, forms);
  await other.bringToFront();
  await other.keyboard.press("ControlOrMeta+c");
  await other.close();
  await page.bringToFront();
}

/** What a program that asks for `type` finds on the clipboard. */
async function copied(page: Page): Promise<{ html: string; text: string }> {
  const taken = page.evaluate(
    () =>
      new Promise<{ html: string; text: string }>((done) => {
        const hear = (event: ClipboardEvent): void => {
          done({ html: event.clipboardData!.getData("text/html"), text: event.clipboardData!.getData("text/plain") });
          event.preventDefault();
          event.stopImmediatePropagation();
          document.removeEventListener("paste", hear, true);
        };
        document.addEventListener("paste", hear, true);
      }),
  );
  await page.keyboard.press("ControlOrMeta+v");
  return taken;
}

test("what other programs put on the clipboard becomes the blocks it was, for everyone", async ({ people }) => {
  test.setTimeout(120_000);
  const [ada, ben] = (await people.together("Ada", "Ben")) as [Person, Person];
  const [here, there] = [new Picture(ada.page), new Picture(ben.page)];
  for (const [name, forms, picture] of pastes) {
    await here.make(["|"]);
    await copyElsewhere(ada.page, forms);
    await ada.app.body.focus();
    await ada.page.keyboard.press("ControlOrMeta+v");
    await gently.poll(async () => still(await here.read()), name).toEqual(still(picture));
    const pasted = still(await here.read());
    await expect.poll(async () => still(await there.read()), `${name}, seen by another`).toEqual(pasted);
    await ada.page.keyboard.press("ControlOrMeta+z");
    await gently.poll(() => here.read(), `${name}, undone at once`).toEqual(["|"]);
  }
});

test("Markdown pasted as plain text becomes what it says", async ({ people }) => {
  const ada = await people.join("Ada");
  await ada.app.createPage();
  const here = new Picture(ada.page);
  await ada.app.body.focus();
  await copyElsewhere(ada.page, { "text/plain": "# Stores\n\nBuy **two** of:\n\n- rope\n  - thin\n- [x] tar\n\n3. three\n\n> said\n\n---\n\n```rust\nfn main() {}\n```\n" });
  await ada.page.keyboard.press("ControlOrMeta+v");
  await expect.poll(async () => still(await here.read())).toEqual(["# Stores", "Buy *two* of:", "- rope", "  - thin", "☑ tar", "3. three", "> said", "---", "``` fn main() {}"]);
});

test("plain lines stay plain lines, with every character they had", async ({ people }) => {
  const [ada, ben] = (await people.together("Ada", "Ben")) as [Person, Person];
  await ada.app.body.focus();
  const lines = "It cost 3 * 4 < 20 & more.\nTabs\tand emoji 👩‍🚀 and ünïcödé.";
  await copyElsewhere(ada.page, { "text/plain": lines });
  await ada.page.keyboard.press("ControlOrMeta+v");
  await expect.poll(() => sameText(ada.app, ben.app)).toBe(lines);
});

test("an address pasted over words links them, and by itself is a link", async ({ people }) => {
  const ada = await people.join("Ada");
  await ada.app.createPage();
  const here = new Picture(ada.page);
  await here.make(["see [the map] or "]);
  await copyElsewhere(ada.page, { "text/plain": "https://example.org/map" });
  await ada.app.body.focus();
  await ada.page.keyboard.press("ControlOrMeta+v");
  await expect.poll(async () => still(await here.read())).toEqual(["see <the map→https://example.org/map> or "]);
  await here.select(["see the map or |"]);
  await ada.page.keyboard.press("ControlOrMeta+v");
  await expect.poll(async () => still(await here.read())).toEqual(["see <the map→https://example.org/map> or <https://example.org/map→https://example.org/map>"]);
});

test("code is pasted in the language its editor names", async ({ people }) => {
  const ada = await people.join("Ada");
  onlyInChromium(ada.page, "copy in a form that only its maker knows");
  await ada.app.createPage();
  const [, forms] = pastes.find(([name]) => name === "code from VS Code")!;
  await copyElsewhere(ada.page, { ...forms, "vscode-editor-data": '{"version":1,"isFromEmptySelection":false,"mode":"rust"}' });
  await ada.app.body.focus();
  await ada.page.keyboard.press("ControlOrMeta+v");
  await expect(ada.app.body.locator(".block.code").first()).toHaveAttribute("data-language", "rust");
});

test("words copied out of a sentence keep the space they had at their end", async ({ people }) => {
  const ada = await people.join("Ada");
  await ada.app.createPage();
  const here = new Picture(ada.page);
  const forms = [
    `<html>\n<body>\n<!--StartFragment--><span style="color:#222">salt <b>water</b><span class="Apple-converted-space">&nbsp;</span></span><!--EndFragment-->\n</body>\n</html>`,
    `<meta charset='utf-8'>salt <b>water</b> `,
  ];
  for (const html of forms) {
    await here.make(["we sample |daily"]);
    await copyElsewhere(ada.page, { "text/html": html, "text/plain": "salt water " });
    await ada.app.body.focus();
    await ada.page.keyboard.press("ControlOrMeta+v");
    await expect.poll(() => here.read()).toEqual(["we sample salt *water* |daily"]);
  }
});

const everything = [
  "# Spring plan",
  "We *sample* _nine_ +sites+, ~not ten~, by `gps` at <the tides→https://example.org/tides>.",
  "a line⏎and its second half",
  "- boats",
  "  - the long one",
  "    - its oars",
  "- nets",
  "1. sign out",
  "  1. at the lodge",
  "1. go",
  "☑ charge",
  "☐ print",
  "> nothing is lost",
  "> - not even this",
  "---",
  "``` fn main() {",
  "..     row();",
  ".. ",
  ".. }",
  "### the end",
];

for (const [form, why] of [["text/html", "as HTML, as other programs take it"], ["text/plain", "as Markdown"]] as const) {
  test(`what is copied here comes back the same ${why}`, async ({ people }) => {
    const [ada, ben] = (await people.together("Ada", "Ben")) as [Person, Person];
    const [here, there] = [new Picture(ada.page), new Picture(ben.page)];
    await here.make(everything);
    await ada.page.keyboard.press("ControlOrMeta+a");
    await ada.page.keyboard.press("ControlOrMeta+c");
    const { html, text } = await copied(ada.page);
    // Without the exact copy that one page of Sheaf leaves for another.
    const forms = form === "text/html" ? { "text/html": html.replace(/ data-sheaf="[^"]*"/, "") } : { "text/plain": text };
    await here.make(["|"]);
    await copyElsewhere(ada.page, forms);
    await ada.app.body.focus();
    await ada.page.keyboard.press("ControlOrMeta+v");
    // Markdown knows no underlining.
    const expected = form === "text/plain" ? everything.map((line) => line.replaceAll("+", "")) : everything;
    await expect.poll(async () => still(await here.read())).toEqual(expected);
    await expect.poll(async () => still(await there.read())).toEqual(expected);
  });
}

test("what is copied here is Markdown for a program that takes text, and plain words where it is words", async ({ people }) => {
  const ada = await people.join("Ada");
  await ada.app.createPage();
  const here = new Picture(ada.page);
  await here.make(["# Spring", "- o[ne *two*", "- three", "☑ do]ne"]);
  await ada.page.keyboard.press("ControlOrMeta+c");
  expect((await copied(ada.page)).text).toBe("- ne **two**\n- three\n- [x] do");
  await here.make(["see *the [river* and] more"]);
  await ada.page.keyboard.press("ControlOrMeta+c");
  expect((await copied(ada.page)).text).toBe("river and");
});

const hostile: [name: string, html: string][] = [
  ["handlers", `<p onclick="window.hurt=1">fine<img src=x onerror="window.hurt=1"><svg onload="window.hurt=1"></svg></p>`],
  ["scripts", `<p>fine<script>window.hurt=1</script></p><noscript><p title="</noscript><img src=x onerror=window.hurt=1>"></noscript>`],
  ["addresses that run", `<p>fine <a href="javascript:window.hurt=1">a</a> <a href=" java\nscript:window.hurt=1">b</a> <a href="data:text/html,<script>window.hurt=1</script>">c</a> <a href="vbscript:x">d</a></p>`],
  ["frames and forms", `<p>fine</p><iframe srcdoc="<script>parent.hurt=1</script>"></iframe><object data="x"></object><form action="javascript:window.hurt=1"><input autofocus onfocus="window.hurt=1"></form>`],
  ["styles", `<p style="background:url(javascript:window.hurt=1);position:fixed;inset:0;z-index:99999">fine</p><style>*{display:none!important}</style><link rel=stylesheet href="x">`],
  ["markup that changes its mind", `<p>fine</p><math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=window.hurt=1&gt;">`],
  ["an exact copy nobody made", `<p data-sheaf="${encodeURIComponent(JSON.stringify([[{ kind: "paragraph", onclick: "window.hurt=1" }, ["fine ", ["x", { link: "javascript:window.hurt=1", style: "position:fixed" }], { embed: { image: "javascript:window.hurt=1" } }, { embed: { "<img src=x onerror=window.hurt=1>": 1 } }]]]))}"></p>`],
  ["an exact copy that is broken", `<p data-sheaf="%7B%22">fine</p>`],
  ["nesting without end", `${"<div><b>".repeat(5_000)}fine${"</b></div>".repeat(5_000)}<p>fine</p>`],
];

test("hostile markup is pasted as its words: nothing runs, nothing is loaded, nothing covers the page", async ({ people }) => {
  test.setTimeout(120_000);
  const [ada, ben] = (await people.together("Ada", "Ben")) as [Person, Person];
  const asked: string[] = [];
  ada.context.on("request", (request) => {
    // The app fetches its own converter when it first has a moment.
    if (!new URL(request.url()).pathname.startsWith("/sheaf-converter")) asked.push(request.url());
  });
  const here = new Picture(ada.page);
  for (const [name, html] of hostile) {
    await here.make(["|"]);
    await copyElsewhere(ada.page, { "text/html": html, "text/plain": "fine" });
    await ada.app.body.focus();
    asked.length = 0;
    await ada.page.keyboard.press("ControlOrMeta+v");
    await expect(ada.app.body, name).toContainText("fine");
    const text = await sameText(ada.app, ben.app);
    expect(text, name).toContain("fine");
    for (const { app, page } of [ada, ben]) {
      for (const link of await app.body.locator("a").all()) await link.click({ modifiers: ["ControlOrMeta"], timeout: 1_000 }).catch(() => undefined);
      expect(await page.evaluate(() => "hurt" in window), name).toBe(false);
      await expect(app.body.locator("script, style, iframe, object, form, input, svg, math, [onclick], [onerror], [onload], [style*=fixed], a:not([href^='http'])"), name).toHaveCount(0);
    }
    expect(asked, `${name}: what was asked for`).toEqual([]);
  }
});
