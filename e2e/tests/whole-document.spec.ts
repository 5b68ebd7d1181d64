// A long document as someone has it on their disk: into Sheaf, under the hands of two people, and out again.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { sameText, type App } from "../fixtures/app.ts";
import { expect, test } from "../fixtures/people.ts";
import { wholeDocument } from "../fixtures/whole-document.ts";

const BYTES = 100 * 1024;

async function exported(app: App): Promise<string> {
  const download = app.nextDownload();
  await app.page.getByRole("button", { name: "More about this page" }).click();
  await app.page.getByRole("menuitem", { name: "Export as Markdown" }).click();
  return readFile(await (await download).path(), "utf8");
}

/** `text` with `inserted` behind the one place where `anchor` stands. */
function behind(text: string, anchor: string, inserted: string): string {
  const parts = text.split(anchor);
  expect(parts, `${anchor} stands at one place`).toHaveLength(2);
  return parts.join(anchor + inserted);
}

test("100 KB of prose and code come in, two people edit them at once, and what goes out is the same with both edits", async ({ ownProgram, ownPeople }) => {
  test.slow();
  const source = await wholeDocument("All of it", BYTES);
  const folder = await mkdtemp(path.join(tmpdir(), "sheaf-document-"));
  const file = path.join(folder, "all.md");
  await writeFile(file, source);
  const address = await ownProgram.importFile(file);
  const ada = await ownPeople.join("Ada");
  const ben = await ownPeople.join("Ben");
  for (const person of [ada, ben]) await person.app.open(address);
  await expect(ada.app.title).toHaveValue("All of it");

  await test.step("what goes out comes in again as the same page", async () => {
    const first = await exported(ada.app);
    expect(Buffer.byteLength(first)).toBeGreaterThan(BYTES * 0.9);
    const again = path.join(folder, "again.md");
    await writeFile(again, first);
    await ada.app.isSaved();
    const second = await ownProgram.importFile(again);
    await ada.app.open(second);
    await expect(ada.app.title).toHaveValue("All of it");
    expect(await exported(ada.app)).toBe(first);
    await ada.app.open(address);
    expect(await exported(ada.app)).toBe(first);
  });

  const before = await exported(ada.app);
  await test.step("both write at once, in prose and in code", async () => {
    for (const person of [ada, ben]) await person.app.isSaved();
    await ben.app.heading(3, "A keystroke").click();
    await ben.page.keyboard.press("End");
    await ada.app.body.focus();
    await ada.page.keyboard.press("ControlOrMeta+End");
    await ada.app.type("\n// the last line is Ada's");
    await Promise.all([
      ben.app.type("\nBen tells it again:\n- with **one** point\nand another"),
      ada.app.type("\n// and this one too"),
    ]);
    await sameText(ada.app, ben.app);
    for (const person of [ada, ben]) await person.app.isSaved();
  });

  const withBen = behind(before, "\n### A keystroke\n", "\nBen tells it again:\n\n- with **one** point\n- and another\n");
  const expected = withBen.replace(/\n(`{3,}\n)$/, "\n// the last line is Ada's\n// and this one too\n$1");
  for (const person of [ada, ben]) expect(await exported(person.app)).toBe(expected);

  await test.step("the command line writes the same", async () => {
    await ownProgram.stop();
    expect(await ownProgram.run("export", address)).toBe(expected);
  });
  await rm(folder, { recursive: true });
});
