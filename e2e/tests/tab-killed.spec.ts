import { expect, test } from "../fixtures/people.ts";

test("a tab that crashes while offline has kept what was typed", async ({ people }) => {
  const ada = await people.join("Ada");
  const path = await ada.app.createPage();
  await ada.app.keepsItselfForOffline();
  await ada.goOffline();
  await ada.app.write("typed before the crash");
  await ada.app.isKept();
  await ada.app.crash();

  const tab = await ada.anotherTab();
  await tab.open(path);
  await expect(tab.body).toContainText("typed before the crash");
  await ada.comeBack();
  await tab.isSaved();
  const ben = await people.join("Ben", {}, path);
  await expect(ben.app.body).toContainText("typed before the crash");
});
