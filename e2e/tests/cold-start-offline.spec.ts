import { expect, test } from "../fixtures/people.ts";

test("with no network the app, the list of pages and every page visited before open, and take text", async ({ people }) => {
  const ada = await people.join("Ada");
  const path = await ada.app.createPage("Site notes");
  await ada.app.write("Written online.");
  await ada.app.isSaved();
  await ada.app.keepsItselfForOffline();
  await ada.page.close();

  await ada.goOffline();
  const tab = await ada.anotherTab();
  await tab.open("/");
  await tab.entry("Site notes").click();
  await expect(tab.body).toContainText("Written online.");
  await tab.write(" Written offline.");
  await tab.isKept();
  await tab.page.close();

  const later = await ada.anotherTab();
  await later.open(path);
  await expect(later.body).toContainText("Written online. Written offline.");

  const ben = await people.join("Ben");
  await ada.comeBack();
  await ben.app.open(path);
  await expect(ben.app.body).toContainText("Written online. Written offline.");
  await later.isSaved();
});

test("a page made, named and filled offline reaches the others after coming back", async ({ people }) => {
  const ada = await people.join("Ada");
  const ben = await people.join("Ben");
  await ada.app.keepsItselfForOffline();
  await ada.goOffline();
  const path = await ada.app.createPage("Born offline");
  await ada.app.write("No server was asked.");
  await ada.app.isKept();
  await ada.app.reload();
  await expect(ada.app.body).toContainText("No server was asked.");

  await ada.comeBack();
  await expect(ben.app.entry("Born offline")).toBeVisible();
  await ben.app.open(path);
  await expect(ben.app.body).toContainText("No server was asked.");
  await ada.app.isSaved();
});

test("with a dead server everything visited before opens", async ({ ownPeople, ownProgram }) => {
  const ada = await ownPeople.join("Ada");
  const path = await ada.app.createPage("Kept");
  await ada.app.write("Here before the server died.");
  await ada.app.isSaved();
  await ada.app.keepsItselfForOffline();
  await ada.page.close();
  await ownProgram.kill();

  const tab = await ada.anotherTab();
  await tab.open(path);
  await expect(tab.body).toContainText("Here before the server died.");
  await expect(tab.chip).toContainText(/can't reach|kept on this device|offline/i);
});

test("a first visit while the server is out of reach gets the browser's own words, and starts by itself later", async ({ browser, browserName, ownProgram }) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await ownProgram.kill();
  await expect(page.goto(ownProgram.url)).rejects.toThrow(/ERR(OR)?_CONNECTION_REFUSED/);
  // The browser's own page comes a little later, and would end a navigation that has begun by then.
  if (browserName === "chromium") await expect.poll(() => page.url()).toMatch(/^chrome-error:/);
  await ownProgram.start();
  await page.goto(ownProgram.url);
  await expect(page.getByRole("button", { name: "Start writing" })).toBeVisible();
  await context.close();
});

test("a browser that has the app and none of the pages says that they come from the server, and shows them when it is back", async ({ ownPeople: people }) => {
  const ada = await people.join("Ada");
  // Whoever comes is shown the first page; the second one is not on their device.
  await ada.app.createPage("First");
  const path = await ada.app.createPage("Ada's page");
  await ada.app.write("Words of Ada.");
  await ada.app.isSaved();
  const ben = await people.join("Ben");
  await ben.app.open("/");
  await expect(ben.app.entry("Ada's page")).toBeVisible();
  await ben.app.keepsItselfForOffline();
  await ben.goOffline();
  await ben.app.open(path);
  await expect(ben.page.getByRole("main")).toContainText("has not been opened on this device before");
  await expect(ben.app.chip).toContainText(/offline/i);
  await ben.comeBack();
  await expect.poll(() => ben.app.text()).toBe("Words of Ada.");
});
