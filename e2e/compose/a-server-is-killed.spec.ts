import { sameText } from "../fixtures/app.ts";
import { kill, start } from "../fixtures/containers.ts";
import { expect, test } from "../fixtures/people.ts";

test("each server is killed in turn while two people type, and no letter is lost or doubled", async ({ people }) => {
  test.setTimeout(180_000);
  const [ada, ben] = await people.together("Ada", "Ben");
  await ada!.app.write("a: \nb: ");
  await sameText(ada!.app, ben!.app);
  await ada!.page.keyboard.press("ControlOrMeta+Home");
  await ada!.page.keyboard.press("End");
  await ben!.app.body.focus();
  await ben!.page.keyboard.press("ControlOrMeta+End");

  const hers = "the quick brown fox jumps over the lazy dog".repeat(4);
  const his = "pack my box with five dozen liquor jugs now".repeat(4);
  const killing = (async () => {
    for (const server of ["sheaf-1", "sheaf-2"] as const) {
      await kill(server);
      await start(server);
    }
  })();
  await Promise.all([ada!.page.keyboard.type(hers, { delay: 40 }), ben!.page.keyboard.type(his, { delay: 40 }), killing]);
  expect(await sameText(ada!.app, ben!.app)).toBe(`a: ${hers}\nb: ${his}`);
  await ada!.app.isSaved();
  await ben!.app.isSaved();
});

test("what was called saved is there for someone who comes after the server that stored it was killed", async ({ people }) => {
  test.setTimeout(180_000);
  const ada = await people.join("Ada");
  const path = await ada.app.createPage("Evidence");
  await ada.app.write("Saved means saved.");
  await ada.app.isSaved();
  await ada.context.close();
  for (const server of ["sheaf-1", "sheaf-2"] as const) {
    await kill(server);
    const someone = await people.join("Someone");
    await someone.app.open(path);
    await expect(someone.app.body).toContainText("Saved means saved.");
    await start(server);
  }
});
