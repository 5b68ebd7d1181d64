// Letters typed in the last moment before a tab goes: each round types and closes without waiting for anything.

import { expect, test } from "../fixtures/people.ts";

const ROUNDS = 8;
/** Typed in the last moment: as many as are on their way to the disk at once. */
const LAST_LETTERS = ["a", "b", "c", "d"];

/** Types a word for the round, and closes the tab in the very task of the last letter. */
async function typeAndVanish(body: import("@playwright/test").Locator, word: string): Promise<void> {
  await body.evaluate((element, word) => {
    (element as HTMLElement).focus();
    getSelection()!.selectAllChildren(element.lastElementChild!);
    getSelection()!.collapseToEnd();
    for (const letter of word) document.execCommand("insertText", false, letter);
    window.close();
  }, word).catch(() => undefined);
}

test("a tab closed in the moment of the last letter has kept every letter, offline, many times over", async ({ people }) => {
  test.setTimeout(120_000);
  const ada = await people.join("Ada");
  const path = await ada.app.createPage("Last letters");
  await ada.app.isSaved();
  await ada.app.keepsItselfForOffline();
  await ada.goOffline();
  let expected = "";
  for (let round = 0; round < ROUNDS; round += 1) {
    // Opened by a page, so that it may close itself.
    const opening = ada.context.waitForEvent("page");
    await ada.page.evaluate((url) => void window.open(url), path);
    const tab = await opening;
    const body = tab.locator(".ProseMirror");
    await expect(body).toHaveText(expected, { timeout: 20_000 });
    const word = `round${round}.abcdefghijklmnopqrstuvwxyz. `;
    const closed = tab.waitForEvent("close");
    await typeAndVanish(body, word);
    await closed;
    expected += word;
  }
  await ada.page.close();
  const last = await ada.anotherTab();
  await last.open(path);
  await expect(last.body).toHaveText(expected.trim());
  await ada.comeBack();
  await last.isSaved();
});

test("a tab whose process is killed right behind a letter has kept it, offline, many times over", async ({ people }) => {
  test.setTimeout(120_000);
  const ada = await people.join("Ada");
  const path = await ada.app.createPage("Killed");
  await ada.app.isSaved();
  await ada.app.keepsItselfForOffline();
  await ada.goOffline();
  let tab = ada.app;
  let expected = "";
  for (let round = 0; round < ROUNDS; round += 1) {
    await tab.body.focus();
    await tab.page.keyboard.press("ControlOrMeta+End");
    for (const letter of LAST_LETTERS) await tab.page.keyboard.press(letter);
    await tab.crash();
    expected += LAST_LETTERS.join("");
    tab = await ada.anotherTab();
    await tab.open(path);
    await expect(tab.body).toHaveText(expected);
  }
  await ada.comeBack();
  await tab.isSaved();
});

test("what a tab wrote in its last moment reaches the server through the tab that stays", async ({ people }) => {
  const ada = await people.join("Ada");
  const path = await ada.app.createPage("Staying");
  await ada.app.isSaved();
  const opening = ada.context.waitForEvent("page");
  await ada.page.evaluate((url) => void window.open(url), path);
  const tab = await opening;
  const body = tab.locator(".ProseMirror");
  await expect(body).toBeVisible();
  await ada.goOffline();
  await expect(ada.app.chip).toContainText(/offline/i);
  const closed = tab.waitForEvent("close");
  await typeAndVanish(body, "left behind");
  await closed;
  await expect(ada.app.body).toHaveText("left behind");
  await ada.app.isKept();
  await ada.comeBack();
  await ada.app.isSaved();
  const ben = await people.join("Ben", {}, path);
  await expect.poll(() => ben.app.text()).toBe("left behind");
});
