import { sameText } from "../fixtures/app.ts";
import { expect, test } from "../fixtures/people.ts";

test("killing the server while two people type loses no letter", async ({ ownPeople, ownProgram }) => {
  const [ada, ben] = await ownPeople.together("Ada", "Ben");
  await ada!.app.write("a: \nb: ");
  await sameText(ada!.app, ben!.app);
  await ada!.page.keyboard.press("ControlOrMeta+Home");
  await ada!.page.keyboard.press("End");
  await ben!.app.body.focus();
  await ben!.page.keyboard.press("ControlOrMeta+End");

  const hers = "the quick brown fox jumps over the lazy dog".repeat(2);
  const his = "pack my box with five dozen liquor jugs now".repeat(2);
  const killing = (async () => {
    for (let round = 0; round < 3; round += 1) {
      await ownProgram.kill();
      await ownProgram.start();
    }
  })();
  await Promise.all([
    ada!.page.keyboard.type(hers, { delay: 15 }),
    ben!.page.keyboard.type(his, { delay: 15 }),
    killing,
  ]);
  expect(await sameText(ada!.app, ben!.app)).toBe(`a: ${hers}\nb: ${his}`);
  await ada!.app.isSaved();
  await ben!.app.isSaved();
});

test("what was called saved is there after the server was killed, for someone who never saw it before", async ({ ownPeople, ownProgram }) => {
  const ada = await ownPeople.join("Ada");
  const path = await ada.app.createPage("Evidence");
  await ada.app.write("Saved means saved.");
  await ada.app.isSaved();
  await ownProgram.kill();
  await ada.context.close();
  await ownProgram.start();
  const ben = await ownPeople.join("Ben", {}, path);
  await expect(ben.app.body).toContainText("Saved means saved.");
});

test("while the server is gone the words never say saved", async ({ ownPeople, ownProgram }) => {
  const ada = await ownPeople.join("Ada");
  await ada.app.createPage();
  await ownProgram.kill();
  await ada.app.write("nobody hears this");
  await expect(ada.app.chip).toContainText(/can't reach|kept on this device/i);
  await ada.app.reload();
  await expect(ada.app.body).toContainText("nobody hears this");
  await expect(ada.app.chip).not.toHaveText("Saved");
  await ownProgram.start();
  await ada.app.isSaved();
});
