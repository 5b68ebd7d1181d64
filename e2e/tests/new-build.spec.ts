// A newer build is on the server: the page says so and waits, and no page is ever made of two builds.

import type { Page } from "@playwright/test";
import { App } from "../fixtures/app.ts";
import { TwoBuilds } from "../fixtures/builds.ts";
import { expect, test as base } from "../fixtures/people.ts";

const test = base.extend<{ builds: TwoBuilds }>({
  builds: async ({ ownProgram }, use) => {
    const builds = await TwoBuilds.before(ownProgram.port);
    await use(builds);
    await builds.dispose();
  },
});

/** Which builds the scripts, styles and modules on screen are of. */
async function buildsOn(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const named = performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname);
    const hashed = named.filter((path) => /-[0-9a-f]{16}(_bg)?(-second)?\.(js|wasm|css)$/.test(path));
    return [...new Set(hashed.map((path) => (path.includes("-second") ? "second" : "first")))];
  });
}

async function lookForUpdate(page: Page): Promise<void> {
  await page.evaluate(async () => void (await (await navigator.serviceWorker.ready).update()));
}

for (const visits of ["first", "second"] as const) {
  test(`a newer build waits until the person agrees, on a ${visits} visit, and then all of it is there`, async ({ browser, builds }) => {
    const context = await browser.newContext();
    const app = new App(await context.newPage(), builds.url);
    await app.open("/");
    await app.introduceAs("Ada");
    const path = app.path;
    await app.keepsItselfForOffline();
    if (visits === "second") await app.reload();
    await expect(app.body).toBeEditable();
    const other = new App(await context.newPage(), builds.url);
    await other.open(path);
    await expect(other.body).toBeEditable();

    builds.upgrade();
    await lookForUpdate(app.page);
    const ready = app.page.getByText("A newer Sheaf is ready.");
    await expect(ready).toBeVisible();
    // Not agreed: a reload and a new tab still are the first build, whole, although the server no longer has it.
    await other.reload();
    await expect(other.body).toBeEditable();
    expect(await buildsOn(other.page)).toEqual(["first"]);
    const third = new App(await context.newPage(), builds.url);
    await third.open(path);
    await expect(third.body).toBeEditable();
    expect(await buildsOn(third.page)).toEqual(["first"]);
    await third.page.close();
    await app.write("Written before the change. ");

    await expect(ready).toBeVisible();
    const reloaded = [app, other].map(({ page }) => page.waitForEvent("load"));
    await app.page.getByRole("button", { name: "Reload" }).click();
    await Promise.all(reloaded);
    for (const tab of [app, other]) {
      await expect.poll(() => tab.text()).toBe("Written before the change. ");
      expect(await buildsOn(tab.page)).toEqual(["second"]);
      await expect(tab.page.getByText("A newer Sheaf is ready.")).toBeHidden();
    }
    const kept = await app.page.evaluate(async () => caches.keys());
    expect(kept).toHaveLength(1);
    await app.isSaved();
    await context.close();
  });
}

test("who does not want the newer build now is left alone, and gets it with the next start", async ({ browser, builds }) => {
  const context = await browser.newContext();
  const app = new App(await context.newPage(), builds.url);
  await app.open("/");
  await app.introduceAs("Ada");
  const path = app.path;
  await app.keepsItselfForOffline();
  await app.reload();
  await app.page.evaluate(() => Object.assign(window, { isTheSame: true }));
  builds.upgrade();
  await lookForUpdate(app.page);
  await app.page.getByRole("button", { name: "Later" }).click();
  await expect(app.page.getByText("A newer Sheaf is ready.")).toBeHidden();
  await app.write("Went on writing.");
  await app.isSaved();
  // Left alone: this page was not loaded again, and a reload does not bring the newer one either.
  expect(await buildsOn(app.page)).toEqual(["first"]);
  expect(await app.page.evaluate(() => (window as unknown as { isTheSame?: true }).isTheSame)).toBe(true);
  await app.reload();
  await expect(app.body).toHaveText("Went on writing.");
  expect(await buildsOn(app.page)).toEqual(["first"]);
  await app.page.close();
  // The last page of the old build is gone: the new one may start.
  const later = new App(await context.newPage(), builds.url);
  await expect(async () => {
    await later.open(path);
    expect(await buildsOn(later.page)).toEqual(["second"]);
  }).toPass();
  await expect(later.body).toHaveText("Went on writing.");
  expect(await later.page.evaluate(async () => caches.keys())).toHaveLength(1);
  await context.close();
});
