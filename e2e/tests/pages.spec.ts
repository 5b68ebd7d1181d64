import { onlyInChromium } from "../fixtures/devtools.ts";
import { expect, test } from "../fixtures/people.ts";

test("a page that one person names, the other sees named, and both can change the name", async ({ people }) => {
  const [ada, ben] = await people.together("Ada", "Ben");
  await ada!.app.title.fill("Tide tables");
  await expect(ben!.app.title).toHaveValue("Tide tables");
  await expect(ben!.app.entry("Tide tables")).toBeVisible();
  await ben!.app.title.fill("Tide tables of April");
  await expect(ada!.app.entry("Tide tables of April")).toBeVisible();
  await ada!.app.isSaved();
});

test("with the keyboard a page is put inside another, renamed, binned and brought back, and the other person follows", async ({ people }) => {
  const ada = await people.join("Ada");
  const ben = await people.join("Ben");
  await ada.app.createPage("Outer");
  await ada.app.createPage("Inner");
  await expect(ben.app.entry("Inner")).toHaveAttribute("aria-level", "1");

  await ada.app.entry("Inner").focus();
  await ada.page.keyboard.press("Alt+ArrowRight");
  await expect(ben.app.entry("Inner")).toHaveAttribute("aria-level", "2");

  await ada.page.keyboard.press("F2");
  await ada.page.keyboard.type("Within");
  await ada.page.keyboard.press("Enter");
  await expect(ben.app.entry("Within")).toBeVisible();

  await ada.app.entry("Within").focus();
  await ada.page.keyboard.press("Delete");
  await expect(ben.app.entry("Within")).toBeHidden();
  await ben.app.tree.getByRole("link", { name: "Bin" }).click();
  await ben.page.getByRole("button", { name: "Restore: Within" }).click();
  await expect(ada.app.entry("Within")).toBeVisible();
});

test("a page is dragged into another with the mouse", async ({ people }) => {
  const ada = await people.join("Ada");
  onlyInChromium(ada.page, "drag");
  await ada.app.createPage("Folder");
  await ada.app.createPage("Sheet");
  await ada.app.entry("Sheet").dragTo(ada.app.entry("Folder"));
  await expect(ada.app.entry("Sheet")).toHaveAttribute("aria-level", "2");
});

test("an address that leads nowhere says so and leads back", async ({ people }) => {
  const ada = await people.join("Ada");
  await ada.app.open("/no/such/place");
  await expect(ada.page.getByRole("main")).toContainText("There is no page here");
  await ada.page.getByRole("main").getByRole("link").first().click();
  await expect(ada.page.getByRole("main").getByRole("heading").or(ada.app.title).first()).toBeVisible();
});
