import { expect, test } from "../fixtures/people.ts";

test("two people name a page at once and keep each other's letters", async ({ people }) => {
  const ada = await people.join("Ada");
  const ben = await people.join("Ben");
  const path = await ada.app.createPage("plan");
  await ben.app.open(path);
  await expect(ben.app.title).toHaveValue("plan");
  await ada.goOffline();
  await ben.goOffline();
  await ada.app.title.focus();
  await ada.page.keyboard.press("Home");
  await ada.page.keyboard.type("Spring ");
  await ben.app.title.focus();
  await ben.page.keyboard.press("End");
  await ben.page.keyboard.type(" for May");
  await ada.comeBack();
  await ben.comeBack();
  await expect(ada.app.title).toHaveValue("Spring plan for May");
  await expect(ben.app.title).toHaveValue("Spring plan for May");
});

test("the caret stays with its letters when somebody else types before it", async ({ people }) => {
  const ada = await people.join("Ada");
  const ben = await people.join("Ben");
  const path = await ada.app.createPage("plan");
  await ben.app.open(path);
  await ada.app.title.focus();
  await ada.page.keyboard.press("End");
  await ben.app.title.focus();
  await ben.page.keyboard.press("Home");
  await ben.page.keyboard.type("My ");
  await expect(ada.app.title).toHaveValue("My plan");
  await ada.page.keyboard.type("!");
  await expect(ben.app.title).toHaveValue("My plan!");
});
