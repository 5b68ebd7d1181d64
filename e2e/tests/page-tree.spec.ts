import { onlyInChromium } from "../fixtures/devtools.ts";
import { expect, test } from "../fixtures/people.ts";

test("pages are walked, moved, nested, renamed and thrown away with keys alone, and others see it", async ({ ownPeople: people }) => {
  const ada = await people.join("Ada");
  const ben = await people.join("Ben");
  const { app, page } = ada;
  for (const title of ["Alpha", "Beta", "Gamma"]) await app.createPage(title);
  const entry = (title: string) => app.entry(title);

  await entry("Gamma").focus();
  await page.keyboard.press("Alt+ArrowUp");
  await expect(entry("Gamma")).toBeFocused();
  await page.keyboard.press("Alt+ArrowRight");
  await expect(entry("Gamma")).toHaveAttribute("aria-level", "2");
  await expect(ben.app.entry("Gamma")).toHaveAttribute("aria-level", "2");

  await page.keyboard.press("ArrowLeft");
  await expect(entry("Alpha")).toBeFocused();
  await page.keyboard.press("ArrowLeft");
  await expect(entry("Gamma")).toBeHidden();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  await expect(entry("Gamma")).toBeFocused();

  await page.keyboard.press("F2");
  await expect(app.tree.getByRole("textbox", { name: "Page title" })).toBeFocused();
  await page.keyboard.type("Delta");
  await page.keyboard.press("Enter");
  await expect(ben.app.entry("Delta")).toBeVisible();

  await entry("Delta").focus();
  await page.keyboard.press("Delete");
  await expect(ben.app.entry("Delta")).toBeHidden();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(ben.app.entry("Delta")).toHaveAttribute("aria-level", "2");
});

test("a page that is dragged onto another goes inside it, and back out between others", async ({ ownPeople: people }) => {
  const ada = await people.join("Ada");
  onlyInChromium(ada.page, "drag");
  await ada.app.createPage("Alpha");
  await ada.app.createPage("Beta");
  await ada.app.entry("Beta").dragTo(ada.app.entry("Alpha"));
  await expect(ada.app.entry("Beta")).toHaveAttribute("aria-level", "2");
  const height = (await ada.app.entry("Alpha").boundingBox())!.height;
  await ada.app.entry("Beta").dragTo(ada.app.entry("Alpha"), { targetPosition: { x: 60, y: 2 } });
  await expect(ada.app.entry("Beta")).toHaveAttribute("aria-level", "1");
  expect(height).toBeGreaterThan(20);
});

test("a page in the bin comes back with what is inside it, and is gone for everyone when deleted for good", async ({ ownPeople: people }) => {
  const ada = await people.join("Ada");
  const ben = await people.join("Ben");
  await ada.app.createPage("Outer");
  await ada.app.entry("Outer").hover();
  await ada.page.getByRole("button", { name: "New page inside Outer" }).click();
  await ada.app.title.fill("Inner");
  await ada.app.entry("Outer").click();
  await ada.page.getByRole("button", { name: "More about this page" }).click();
  await ada.page.getByRole("menuitem", { name: "Move to bin" }).click();
  await expect(ben.app.entry("Inner")).toBeHidden();

  await ben.page.getByRole("link", { name: "Bin" }).click();
  await ben.page.getByRole("button", { name: "Restore: Outer" }).click();
  await expect(ada.app.entry("Inner")).toBeVisible();

  await ada.app.entry("Outer").focus();
  await ada.page.keyboard.press("Delete");
  await ada.page.getByRole("link", { name: "Bin" }).click();
  await ada.page.getByRole("button", { name: "Delete for good: Outer" }).click();
  await ada.page.getByRole("dialog").getByRole("button", { name: "Delete for good" }).click();
  await expect(ada.page.getByText("The bin is empty.")).toBeVisible();
  await expect(ben.page.getByText("The bin is empty.")).toBeVisible();
});

test("any page is a few letters away, also one that does not exist yet", async ({ ownPeople: people }) => {
  const ada = await people.join("Ada");
  await ada.app.createPage("Spring sampling plan");
  await ada.app.createPage("Equipment");
  await ada.page.keyboard.press("ControlOrMeta+k");
  await expect(ada.page.getByRole("combobox", { name: "Page title" })).toBeFocused();
  await ada.page.keyboard.type("sampl");
  await ada.page.keyboard.press("Enter");
  await expect(ada.app.title).toHaveValue("Spring sampling plan");
  await ada.page.keyboard.press("ControlOrMeta+k");
  await expect(ada.page.getByRole("combobox", { name: "Page title" })).toBeFocused();
  await ada.page.keyboard.type("Harvest");
  await expect(ada.page.getByRole("option", { name: "New page “Harvest”" })).toBeVisible();
  await ada.page.keyboard.press("Enter");
  await expect(ada.app.title).toHaveValue("Harvest");
});
