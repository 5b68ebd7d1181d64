import { sameText } from "../fixtures/app.ts";
import { expect, test } from "../fixtures/people.ts";

test("undo takes back one's own writing and leaves the other's alone, and redo brings it back", async ({ people }) => {
  const [ada, ben] = await people.together("Ada", "Ben");
  await ada!.app.write("Ada's words. ");
  await sameText(ada!.app, ben!.app);
  await ben!.app.write("Ben's words.");
  expect(await sameText(ada!.app, ben!.app)).toBe("Ada's words. Ben's words.");
  await ada!.app.body.focus();
  await ada!.page.keyboard.press("ControlOrMeta+z");
  expect(await sameText(ada!.app, ben!.app)).toBe("Ben's words.");
  await ada!.page.keyboard.press("ControlOrMeta+Shift+z");
  expect(await sameText(ada!.app, ben!.app)).toBe("Ada's words. Ben's words.");
});
