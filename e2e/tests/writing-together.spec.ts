import { sameText } from "../fixtures/app.ts";
import { expect, test } from "../fixtures/people.ts";

test("what one person types, the other sees, and both are told it is saved", async ({ people }) => {
  const [ada, ben] = await people.together("Ada", "Ben");
  await ada!.app.write("The river rose in the night.");
  await expect(ben!.app.body).toContainText("The river rose in the night.");
  await ben!.app.write(" By noon it fell.");
  expect(await sameText(ada!.app, ben!.app)).toBe("The river rose in the night. By noon it fell.");
  await ada!.app.isSaved();
  await ben!.app.isSaved();
});

test("three people type at once, and nobody's letter is lost or moved into another's word", async ({ people }) => {
  const everyone = await people.together("Ada", "Ben", "Cleo");
  await everyone[0]!.app.write("alpha: \nbeta: \ngamma: ");
  await sameText(everyone[0]!.app, everyone[1]!.app, everyone[2]!.app);
  const words = ["one two three four five", "six seven eight nine ten", "up down left right round"];
  await Promise.all(
    everyone.map(async (person, index) => {
      await person.app.body.focus();
      await person.page.keyboard.press("ControlOrMeta+Home");
      for (let down = 0; down < index; down += 1) await person.page.keyboard.press("ArrowDown");
      await person.page.keyboard.press("End");
      await person.app.type(words[index]!);
    }),
  );
  const text = await sameText(everyone[0]!.app, everyone[1]!.app, everyone[2]!.app);
  expect(text).toBe(`alpha: ${words[0]}\nbeta: ${words[1]}\ngamma: ${words[2]}`);
});

test("a caret stays in its word while someone writes above it", async ({ people }) => {
  const [ada, ben] = await people.together("Ada", "Ben");
  await ada!.app.write("first line\nlast line");
  await sameText(ada!.app, ben!.app);
  await ben!.app.body.focus();
  await ben!.page.keyboard.press("ControlOrMeta+End");
  await ada!.page.keyboard.press("ControlOrMeta+Home");
  await ada!.app.type("A new beginning.\n");
  await expect(ben!.app.body).toContainText("A new beginning.");
  await ben!.app.type("!");
  expect(await sameText(ada!.app, ben!.app)).toBe("A new beginning.\nfirst line\nlast line!");
});

test("one sees who else is here and where they write", async ({ people }) => {
  const [ada, ben] = await people.together("Ada", "Ben");
  await ben!.app.write("Here I am");
  await expect(ada!.app.caretOf("Ben")).toBeVisible();
  await expect(ada!.page.getByLabel("2 people here")).toBeVisible();
  await ben!.page.close();
  await expect(ada!.app.caretOf("Ben")).toBeHidden();
});
