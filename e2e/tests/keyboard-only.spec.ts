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

test("after each dialog and menu the focus is where it was, and after a change of screen it is in the new one", async ({ people }) => {
  const ada = await people.join("Ada");
  const { app, page } = ada;
  await app.createPage("Anchor");
  await app.createPage("Other");
  await app.write("Words");
  const focusIs = (what: import("@playwright/test").Locator) => expect(what).toBeFocused();

  await page.keyboard.press("ControlOrMeta+k");
  await focusIs(page.getByRole("combobox", { name: "Page title" }));
  await page.keyboard.press("Escape");
  await focusIs(app.body);

  const settings = page.getByRole("button", { name: "Settings" });
  await settings.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "Settings" })).toBeVisible();
  await page.keyboard.press("Escape");
  await focusIs(settings);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Settings" }).getByRole("button", { name: "Close" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "Settings" })).toBeHidden();
  await focusIs(settings);

  await app.chipButton.focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await focusIs(page.getByRole("button", { name: "Download my copy" }));
  await page.keyboard.press("Escape");
  await focusIs(app.chipButton);

  const more = page.getByRole("button", { name: "More about this page" });
  await more.focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  await focusIs(page.getByRole("menuitem", { name: "Keyboard shortcuts" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
  await page.keyboard.press("Escape");
  await focusIs(more);

  await page.keyboard.press("ControlOrMeta+k");
  await page.keyboard.type("Anchor");
  await page.keyboard.press("Enter");
  await expect(app.title).toHaveValue("Anchor");
  await focusIs(page.getByRole("main"));
});

test("with keys alone pages are made, nested, moved, renamed, thrown away, brought back and deleted for good", async ({ ownPeople: people }) => {
  const ada = await people.join("Ada");
  const { app, page } = ada;
  for (const title of ["One", "Two", "Three"]) {
    await app.tabTo(app.newPage);
    await page.keyboard.press("Enter");
    await page.keyboard.type(title);
    await expect(app.title).toHaveValue(title);
  }
  await app.tabTo(app.entry("Three"));
  await page.keyboard.press("Alt+ArrowUp");
  await page.keyboard.press("Alt+ArrowRight");
  await expect(app.entry("Three")).toBeFocused();
  await expect(app.tree.getByRole("treeitem")).toHaveText(["Untitled", "One", "Three", "Two"]);
  await expect(app.entry("Three")).toHaveAttribute("aria-level", "2");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Alt+ArrowRight");
  await expect(app.entry("Two")).toBeFocused();
  await expect(app.entry("Two")).toHaveAttribute("aria-level", "2");
  await page.keyboard.press("F2");
  await page.keyboard.type("First");
  await page.keyboard.press("Enter");
  await expect(app.entry("First")).toBeFocused();
  await page.keyboard.press("Delete");
  await expect(app.entry("First")).toBeHidden();
  await expect(app.entry("Three")).toBeFocused();

  const bin = page.getByRole("link", { name: "Bin", exact: true });
  await app.tabTo(bin);
  await page.keyboard.press("Enter");
  await app.tabTo(page.getByRole("button", { name: "Restore: First" }));
  await page.keyboard.press("Enter");
  await expect(app.entry("First")).toHaveAttribute("aria-level", "2");
  await expect(page.getByRole("main")).toBeFocused();

  await app.entry("First").focus();
  await page.keyboard.press("Delete");
  await app.tabTo(page.getByRole("button", { name: "Delete for good: First" }));
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Delete for good?" });
  await app.tabTo(dialog.getByRole("button", { name: "Delete for good" }));
  await page.keyboard.press("Enter");
  await expect(page.getByText("The bin is empty.")).toBeVisible();
  await expect(page.getByRole("main")).toBeFocused();
});
