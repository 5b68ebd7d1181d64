// A page long enough to be drawn in groups.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { sameText } from "../fixtures/app.ts";
import { expect, test } from "../fixtures/people.ts";
import { longPage } from "../speed/long-page.ts";

test("on a long page one writes at both ends at once, and every list is numbered in its order", async ({ ownProgram, ownPeople }) => {
  const folder = await mkdtemp(path.join(tmpdir(), "sheaf-long-"));
  await writeFile(path.join(folder, "long.md"), longPage(1_500));
  const address = await ownProgram.importFile(path.join(folder, "long.md"));
  await rm(folder, { recursive: true });
  const ada = await ownPeople.join("Ada");
  const ben = await ownPeople.join("Ben");
  for (const person of [ada, ben]) await person.app.open(address);
  for (const person of [ada, ben]) await person.app.body.focus();

  await ada.page.keyboard.press("ControlOrMeta+End");
  await ada.app.type(" And so it ends.");
  await ben.page.keyboard.press("ControlOrMeta+Home");
  await ben.app.type("It begins: ");
  const items = ben.app.listItems("ordered");
  await items.nth(30).click();
  await ben.page.keyboard.press("End");
  await ben.app.type("\none more");

  const text = await sameText(ada.app, ben.app);
  expect(text).toMatch(/^It begins: /);
  expect(text).toMatch(/ And so it ends\.$/);
  for (const person of [ada, ben]) {
    const numbers = await person.app.listItems("ordered").evaluateAll((all) => all.map((item) => (item as HTMLElement).dataset["number"]));
    expect(numbers.slice(27, 34)).toEqual(["1", "2", "3", "1", "2", "3", "4"]);
  }
});
