// What the mouse does in the text.

import type { Locator } from "@playwright/test";
import { onlyInChromium } from "../fixtures/devtools.ts";
import { expect, test, type Person } from "../fixtures/people.ts";
import { Picture, still } from "../fixtures/picture.ts";

async function onAPage(person: Person, picture: string[]): Promise<{ here: Picture; block: (words: string) => Locator }> {
  await person.app.createPage();
  const here = new Picture(person.page);
  await here.make(picture);
  return { here, block: (words) => person.app.body.locator(".block", { hasText: words }) };
}

test("three clicks take a block and no more, and what is typed takes its place", async ({ people }) => {
  const ada = await people.join("Ada");
  const { here, block } = await onAPage(ada, ["# first", "- second words", "third"]);
  await block("second").click({ clickCount: 3 });
  await ada.page.keyboard.type("2");
  await expect.poll(() => here.read()).toEqual(["# first", "- 2|", "third"]);
});

test("two clicks take a word", async ({ people }) => {
  const ada = await people.join("Ada");
  onlyInChromium(ada.page, "click twice as one hand does");
  const { here, block } = await onAPage(ada, ["salt water here"]);
  await block("salt").dblclick({ position: { x: 12, y: 12 } });
  await ada.page.keyboard.type("fresh");
  await expect.poll(() => here.read()).toEqual(["fresh| water here"]);
});

test("a click beside the last line goes to it, and a box is ticked without moving the caret", async ({ people }) => {
  const ada = await people.join("Ada");
  const { here, block } = await onAPage(ada, ["☐ wash", "dry|"]);
  await block("wash").locator(".box").click();
  await ada.page.keyboard.type("!");
  await expect.poll(() => here.read()).toEqual(["☑ wash", "dry!|"]);
  const body = (await ada.app.body.boundingBox())!;
  await ada.page.mouse.click(body.x + body.width / 2, body.y + body.height - 40);
  await ada.page.keyboard.type("?");
  await expect.poll(() => here.read()).toEqual(["☑ wash", "dry!?|"]);
});

test("words that are selected are dragged to another place, once", async ({ people }) => {
  const ada = await people.join("Ada");
  onlyInChromium(ada.page, "drag what is selected");
  const { here, block } = await onAPage(ada, ["[*salt*] and water", "more here"]);
  const from = (await block("salt").locator("strong").boundingBox())!;
  const to = (await block("more").boundingBox())!;
  await ada.page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
  await ada.page.mouse.down();
  await ada.page.mouse.move(to.x + 60, to.y + to.height / 2, { steps: 8 });
  await ada.page.mouse.move(to.x + 2, to.y + to.height / 2, { steps: 4 });
  await ada.page.mouse.up();
  await expect.poll(async () => still(await here.read())).toEqual([" and water", "*salt*more here"]);
  await ada.page.keyboard.press("ControlOrMeta+z");
  await expect.poll(async () => still(await here.read())).toEqual(["*salt* and water", "more here"]);
});

test("a link is followed with the key held, and only shown where it leads otherwise", async ({ people }) => {
  const ada = await people.join("Ada");
  const { block } = await onAPage(ada, ["see <here→https://example.org/>"]);
  await ada.context.route("https://example.org/**", (route) => route.fulfill({ body: "there" }));
  const opened = ada.context.waitForEvent("page");
  await block("see").locator("a").click({ modifiers: ["ControlOrMeta"] });
  const there = await opened;
  await expect.poll(() => there.url()).toContain("example.org");
});

test("a selection takes whole letters, wherever a script puts its ends", async ({ people }) => {
  const [ada, ben] = (await people.together("Ada", "Ben")) as [Person, Person];
  const here = new Picture(ada.page);
  for (const [from, to, after] of [[0, 2, "x|b"], [2, 4, "ax|"], [2, 2, "ax|👩b"]] as const) {
    await here.make(["a👩b"]);
    await ada.app.body.locator(".block").evaluate((block, [from, to]) => document.getSelection()!.setBaseAndExtent(block.firstChild!, from, block.firstChild!, to), [from, to] as const);
    await ada.page.keyboard.type("x");
    await expect.poll(() => here.read()).toEqual([after]);
    await expect.poll(() => ben.app.text()).toBe(after.replace("|", ""));
  }
});
