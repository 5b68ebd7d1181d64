import { sameText } from "../fixtures/app.ts";
import { expect, test } from "../fixtures/people.ts";

test("two tabs of one browser show each other's text, online and offline", async ({ people }) => {
  const ada = await people.join("Ada");
  const path = await ada.app.createPage();
  const second = await ada.anotherTab();
  await second.open(path);
  await ada.app.write("first tab. ");
  // To the last space: the other tab writes on behind it.
  await sameText(ada.app, second);

  await ada.goOffline();
  await second.write("second tab, offline.");
  await expect(ada.app.body).toContainText("second tab, offline.");
  expect(await sameText(ada.app, second)).toBe("first tab. second tab, offline.");

  await ada.comeBack();
  const ben = await people.join("Ben", {}, path);
  expect(await sameText(ada.app, second, ben.app)).toBe("first tab. second tab, offline.");
});
