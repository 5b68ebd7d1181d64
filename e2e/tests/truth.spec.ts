// The state chip against the truth: every word it ever showed, against every acknowledgement there was.

import { onlyInChromium } from "../fixtures/devtools.ts";
import { Between } from "../fixtures/mitm.ts";
import { expect, test } from "../fixtures/people.ts";
import { lies, storyOf, watchWords } from "../fixtures/words.ts";

test("through every kind of trouble the chip never says saved while an acknowledgement is missing", async ({ ownPeople, ownProgram }) => {
  test.setTimeout(150_000);
  const ada = await ownPeople.join("Ada");
  const { app, page } = ada;
  onlyInChromium(page, "reload a page without a network while it watches the page's requests");
  const path = await app.createPage("Truth");
  await app.isSaved();
  await app.keepsItselfForOffline();
  const between = await Between.of(page, app.documentName);
  await watchWords(page);
  await app.open(path);
  await app.isSaved();

  await test.step("all is well", async () => {
    await app.write("well ");
    await app.isSaved();
  });
  await test.step("acknowledgements are late", async () => {
    between.judge("hold");
    await app.write("late ");
    await expect(app.chip).toHaveText("Saving…");
    between.judge("pass");
    await app.isSaved();
  });
  await test.step("the socket is cut while acknowledgements are missing", async () => {
    between.judge("hold");
    await app.write("cut ");
    await between.close(1001);
    await app.write("and on ");
    await expect(app.chip).toHaveText(/Can't reach the server… \d+ changes kept on this device/);
    between.judge("pass");
    between.mend();
    await app.isSaved();
  });
  await test.step("the server refuses", async () => {
    between.judge("refuse");
    await app.write("no ");
    await expect(app.chip).toHaveText(/Not taken by the server: \d+ changes? kept on this device/);
    between.judge("pass");
    await app.chipButton.click();
    await page.getByRole("button", { name: "Try the server now" }).click();
    await page.keyboard.press("Escape");
    await app.isSaved();
  });
  await test.step("the server closes for good", async () => {
    await between.close(4403);
    await app.write("shut ");
    await expect(app.chip).toHaveText(/The server closed this page: \d+ changes kept on this device/);
    between.mend();
    await app.chipButton.click();
    await page.getByRole("button", { name: "Try the server now" }).click();
    await page.keyboard.press("Escape");
    await app.isSaved();
  });
  await test.step("a newer server says what nobody here knows", async () => {
    between.judge("hold");
    await app.write("new ");
    between.say(42, 1, 2, 3);
    between.judge("pass");
    await app.isSaved();
  });
  await test.step("no network, a reload, a dead server, and back", async () => {
    await ada.goOffline();
    await app.write("gone ");
    await app.isKept();
    await app.reload();
    await expect(app.chip).toHaveText(/Offline: 5 changes kept on this device/);
    await ownProgram.kill();
    await ada.comeBack();
    await app.write("dead ");
    await expect(app.chip).toHaveText(/kept on this device/);
    await ownProgram.start();
    await app.isSaved();
  });

  const story = await storyOf(page);
  expect(story.said.length).toBeGreaterThan(10);
  expect(lies(story, between.clean)).toEqual([]);
  const ben = await ownPeople.join("Ben", {}, path);
  await expect.poll(() => ben.app.text()).toBe("well late cut and on no shut new gone dead ");
});
