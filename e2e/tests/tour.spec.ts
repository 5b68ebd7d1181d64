import { App } from "../fixtures/app.ts";
import { expect, test } from "../fixtures/people.ts";

test("two people who start at the same moment find one tour, with its words once", async ({ browser, ownProgram }) => {
  const apps = [];
  for (const _ of ["Ada", "Ben"]) {
    const context = await browser.newContext();
    const app = new App(await context.newPage(), ownProgram.url);
    await app.open("/");
    await expect(app.page.getByRole("button", { name: "Start writing" })).toBeVisible();
    apps.push(app);
  }
  // The buttons are in hand before either is pressed: the first one's tour takes the other's button away.
  const buttons = await Promise.all(
    apps.map((app) => app.page.getByRole("button", { name: "Start writing" }).elementHandle()),
  );
  await Promise.all(buttons.map((button) => button!.evaluate((element) => (element as HTMLElement).click())));
  for (const app of apps) {
    await expect(app.title).toHaveValue("Welcome to Sheaf");
    await app.isSaved();
  }
  // What either of them wrote, both have now: a page that one makes is in the other's list.
  await apps[0]!.createPage("After the tour");
  await expect(apps[1]!.entry("After the tour")).toBeVisible();
  await apps[0]!.entry("Welcome to Sheaf").click();
  for (const app of apps) {
    await expect(app.tree.getByRole("treeitem")).toHaveCount(2);
    await expect(app.body.getByText("Try it", { exact: true })).toHaveCount(1);
    await app.page.context().close();
  }
});
