import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { QuillPage } from "../fixtures/other-editor.ts";
import { expect, test } from "../fixtures/people.ts";

test("someone in Quill and someone in Sheaf write on one page, with headings, lists and bold", async ({ people, program, browser }) => {
  const ada = await people.join("Ada");
  await ada.app.createPage();
  await ada.app.write("From Sheaf.\n");
  await ada.app.isSaved();

  const context = await browser.newContext();
  const quill = await QuillPage.open(context, program.port, ada.app.documentName);
  await expect(quill.body).toContainText("From Sheaf.");
  await quill.body.focus();
  await quill.page.keyboard.press("ControlOrMeta+End");
  await quill.page.keyboard.type("From Quill, ");
  await quill.page.keyboard.press("ControlOrMeta+b");
  await quill.page.keyboard.type("boldly.");

  await expect(ada.app.body.locator("strong")).toHaveText("boldly.");
  await ada.app.write("\n# A heading\n- an item");
  await expect(quill.body.locator("h1")).toHaveText("A heading");
  await expect(quill.body.locator("li")).toHaveText("an item");
  await expect.poll(() => quill.text()).toBe(await ada.app.text());
  await ada.app.isSaved();
  await quill.dispose();
  await context.close();
});

test("two who type at once in Quill and in Sheaf end with one text", async ({ people, program, browser }) => {
  const ada = await people.join("Ada");
  await ada.app.createPage();
  await ada.app.write("a: \nb: ");
  const context = await browser.newContext();
  const quill = await QuillPage.open(context, program.port, ada.app.documentName);
  await expect.poll(() => quill.text()).toBe("a: \nb: ");
  await ada.page.keyboard.press("ControlOrMeta+Home");
  await ada.page.keyboard.press("End");
  await quill.body.focus();
  await quill.page.keyboard.press("ControlOrMeta+Home");
  await quill.page.keyboard.press("ArrowDown");
  await quill.page.keyboard.press("End");
  await Promise.all([
    ada.page.keyboard.type("the first hundred letters", { delay: 5 }),
    quill.page.keyboard.type("the other hundred letters", { delay: 5 }),
  ]);
  const expected = "a: the first hundred letters\nb: the other hundred letters";
  await expect.poll(() => ada.app.text()).toBe(expected);
  await expect.poll(() => quill.text()).toBe(expected);
  await quill.dispose();
  await context.close();
});

const EVERY_KIND = `# Every kind

## A heading

- a point

1. the first

- [ ] to do
- [x] done

> said

---

\`\`\`
let a = 1;
\`\`\`

The end.
`;

test("a page with every kind of block but tables is shown in Quill, dividers among them, and edited from both sides", async ({ ownProgram, ownPeople, browser }) => {
  const folder = await mkdtemp(path.join(tmpdir(), "sheaf-kinds-"));
  await writeFile(path.join(folder, "kinds.md"), EVERY_KIND);
  const address = await ownProgram.importFile(path.join(folder, "kinds.md"));
  await rm(folder, { recursive: true });
  const ada = await ownPeople.join("Ada");
  await ada.app.open(address);
  const context = await browser.newContext();
  const quill = await QuillPage.open(context, ownProgram.port, ada.app.documentName);
  for (const [part, text] of [
    ["h2", "A heading"],
    ['li[data-list="bullet"]', "a point"],
    ['li[data-list="ordered"]', "the first"],
    ['li[data-list="unchecked"]', "to do"],
    ['li[data-list="checked"]', "done"],
    ["blockquote", "said"],
    [".ql-code-block", "let a = 1;"],
  ] as const) {
    await expect(quill.body.locator(part)).toHaveText(text);
  }
  await expect(quill.body.locator("hr")).toHaveCount(1);

  await quill.body.focus();
  await quill.page.keyboard.press("ControlOrMeta+End");
  await quill.page.keyboard.type(" Not quite.");
  await ada.app.heading(2, "A heading").click();
  await ada.page.keyboard.press("End");
  await ada.app.type(" of ours\nand below it");
  await expect.poll(() => ada.app.text()).toContain("Not quite.");
  await expect.poll(() => ada.app.text()).toContain("A heading of ours\nand below it");
  await expect.poll(() => quill.text()).toContain("A heading of ours\nand below it");
  await expect(quill.body.locator("hr")).toHaveCount(1);
  await ada.app.isSaved();
  await quill.dispose();
  await context.close();
});
