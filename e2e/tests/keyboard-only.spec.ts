import { expect, test } from "../fixtures/people.ts";

test("without a mouse one makes a page, names it, writes a formatted text and finds the way back", async ({ people }) => {
  const ada = await people.join("Ada");
  const { app, page } = ada;
  await app.tabTo(app.newPage);
  await page.keyboard.press("Enter");
  await expect(app.title).toBeFocused();
  await page.keyboard.type("By hand");
  await page.keyboard.press("Enter");
  await expect(app.body).toBeFocused();
  await page.keyboard.type("# Heading\n");
  await page.keyboard.type("- first\nsecond\n");
  await page.keyboard.press("Enter");
  await page.keyboard.type("> said\n");
  await page.keyboard.press("Enter");
  await page.keyboard.type("plain and ");
  await page.keyboard.press("ControlOrMeta+b");
  await page.keyboard.type("bold");
  await expect(app.heading(1, "Heading")).toBeVisible();
  await expect.poll(() => app.words(app.listItems("bullet"))).toEqual(["first", "second"]);
  await expect(app.body.locator("strong")).toHaveText("bold");
  await app.isSaved();
  await page.keyboard.press("Escape");
  await app.tabTo(app.entry("By hand"));
  await expect(app.entry("By hand")).toBeFocused();
});

test("the slash menu is chosen from with the arrow keys", async ({ people }) => {
  const ada = await people.join("Ada");
  await ada.app.createPage();
  await ada.app.body.focus();
  await ada.page.keyboard.type("/head");
  await expect(ada.page.getByRole("listbox")).toBeVisible();
  await ada.page.keyboard.press("ArrowDown");
  await ada.page.keyboard.press("Enter");
  await ada.page.keyboard.type("Second choice");
  await expect(ada.app.heading(2, "Second choice")).toBeVisible();
});
