// Pages that one may read and not change, and edits that the server does not take.

import { sameText, type App } from "../fixtures/app.ts";
import { devtools, onlyInChromium } from "../fixtures/devtools.ts";
import { expect, test, type Person } from "../fixtures/people.ts";
import { Picture } from "../fixtures/picture.ts";
import { WireTap } from "../fixtures/wire-tap.ts";

const bar = (app: App) => app.page.locator(".editor-notices");

async function tapped(people: { together(...names: [string, ...string[]]): Promise<Person[]> }) {
  const [ada, ben] = (await people.together("Ada", "Ben")) as [Person, Person];
  await ada.app.write("one two three");
  await sameText(ada.app, ben.app);
  const tap = await WireTap.on(ada.context);
  await ada.app.reload();
  await expect(ada.app.body).toContainText("three");
  await ada.app.isSaved();
  return { ada, ben, tap };
}

test("who may no longer write keeps the selection, is told calmly, sees others go on, and gets back what was typed in vain", async ({ people }) => {
  const { ada, ben, tap } = await tapped(people);
  const here = new Picture(ada.page);
  await here.select(["one [two] three"]);
  tap.tellRole(ada.app.documentName, "viewer");
  await expect(bar(ada.app)).toContainText("You can read this page, but not change it");
  await expect(ada.app.body).toHaveAttribute("contenteditable", "false");
  await expect(ada.app.body).toHaveAttribute("aria-readonly", "true");
  await expect(ada.app.body).toBeFocused();
  await expect.poll(() => here.read()).toEqual(["one [two] three"]);
  await expect(ada.page.locator(".surface-bubble")).toBeHidden();

  await ada.page.keyboard.type("fourr");
  await ada.page.keyboard.press("Backspace");
  await ada.page.keyboard.press("Delete");
  await ada.page.keyboard.press("ControlOrMeta+b");
  await ada.app.paste({ "text/plain": " and five" });
  await expect(bar(ada.app).locator(".in-vain")).toHaveText("four and five");
  await ben.app.write("!");
  await expect(ada.app.body).toContainText("one two three!");
  expect(await sameText(ada.app, ben.app)).toBe("one two three!");
  await expect.poll(() => here.read()).toEqual(["one [two] three!"]);

  tap.tellRole(ada.app.documentName, "editor");
  await expect(ada.app.body).toBeEditable();
  await expect(bar(ada.app)).not.toContainText("You can read this page");
  // What was typed meanwhile is still there for the taking.
  onlyInChromium(ada.page, "read the clipboard");
  await ada.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await bar(ada.app).getByRole("button", { name: "Copy it" }).click();
  await expect.poll(() => ada.page.evaluate(() => navigator.clipboard.readText())).toBe("four and five");
  await bar(ada.app).getByRole("button", { name: "Drop it" }).click();
  await expect(bar(ada.app)).toBeEmpty();
  await ada.app.body.focus();
  await ada.page.keyboard.type("2");
  expect(await sameText(ada.app, ben.app)).toBe("one 2 three!");
});

test("an edit that the server refuses stays in the page, is named and counted, can be had as a copy, and goes through when it is taken", async ({ people }) => {
  const { ada, ben, tap } = await tapped(people);
  await ada.app.body.focus();
  await ada.page.keyboard.press("ControlOrMeta+End");
  tap.spoil();
  await ada.app.type(" four");
  await expect(bar(ada.app)).toContainText("The server did not take your last change");
  await expect(bar(ada.app)).toContainText(/\d+ changes? kept on this device only/);
  await expect(ada.app.chip).toContainText("Not taken by the server");
  expect(tap.spoiled).toBeGreaterThan(0);
  expect(await ada.app.text()).toBe("one two three four");
  expect(await ben.app.text()).toBe("one two three");
  // One can go on writing; it stays here too.
  await ada.app.type(" five");
  const download = ada.app.nextDownload();
  await bar(ada.app).getByRole("button", { name: "Download my copy" }).click();
  const file = await (await download).createReadStream();
  let kept = "";
  for await (const piece of file) kept += String(piece);
  expect(kept).toContain("one two three four five");

  tap.mend();
  await bar(ada.app).getByRole("button", { name: "Try again" }).click();
  expect(await sameText(ada.app, ben.app)).toBe("one two three four five");
  await ada.app.isSaved();
  await expect(bar(ada.app)).toBeEmpty();
});

test("more than a page takes at once is not put in, is given back, and one goes on writing", async ({ people }) => {
  const [ada, ben] = (await people.together("Ada", "Ben")) as [Person, Person];
  onlyInChromium(ada.page, "read the clipboard");
  await ada.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await ada.app.write("one two three");
  await sameText(ada.app, ben.app);
  const tooMuch = Array.from({ length: 4_500 }, (_, line) => `${line} ${"words ".repeat(340)}`).join("\n");
  await ada.app.paste({ "text/plain": tooMuch });
  const refusal = ada.page.getByRole("alert").filter({ hasText: "too much at once" });
  await expect(refusal).toContainText("The page is as it was before");
  await expect.poll(() => ada.app.text()).toBe("one two three");
  await refusal.getByRole("button", { name: "Copy what was taken back" }).click();
  await expect.poll(() => ada.page.evaluate(async () => (await navigator.clipboard.readText()).split("\n").length)).toBe(4_500);
  await refusal.getByRole("button", { name: "Go on" }).click();
  await expect(refusal).toBeHidden();
  await expect(ada.app.body).toBeFocused();
  await ada.page.keyboard.press("ControlOrMeta+End");
  await ada.app.type(" four");
  expect(await sameText(ada.app, ben.app)).toBe("one two three four");
  await ada.app.isSaved();
});

test("a word that is being composed when writing ends is neither lost nor doubled", async ({ people }) => {
  const { ada, tap } = await tapped(people);
  const here = new Picture(ada.page);
  await here.select(["one |two three"]);
  const protocol = await devtools(ada.page);
  await protocol.send("Input.imeSetComposition", { text: "かわ", selectionStart: 2, selectionEnd: 2 });
  tap.tellRole(ada.app.documentName, "viewer");
  await expect(ada.app.body).toHaveAttribute("contenteditable", "false");
  expect(await ada.app.text()).toBe("one かわtwo three");
  tap.tellRole(ada.app.documentName, "editor");
  await expect(ada.app.body).toBeEditable();
  await ada.page.keyboard.type("x");
  await expect.poll(() => here.read()).toEqual(["one かわx|two three"]);
});
