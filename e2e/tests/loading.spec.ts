// When the app's own files don't come.

import { expect, test } from "../fixtures/people.ts";
import { App } from "../fixtures/app.ts";

const WASM = /_bg\.wasm$/;

test("an app whose files don't come at first opens by itself as soon as they do", async ({ browser, ownProgram: program }) => {
  const context = await browser.newContext({ serviceWorkers: "block" });
  const app = new App(await context.newPage(), program.url);
  let failures = 2;
  await app.page.route(WASM, (route) => {
    failures -= 1;
    if (failures === 1) return route.abort("connectionreset");
    if (failures === 0) return route.fulfill({ status: 502, contentType: "text/html", body: "<h1>Bad gateway</h1>" });
    return route.continue();
  });
  await app.page.goto(program.url);
  await expect(app.page.getByRole("button", { name: "Start writing" })).toBeVisible({ timeout: 60_000 });
  expect(failures).toBeLessThan(0);
  await context.close();
});

test("an app whose files never come says so, that nothing is lost, and offers to try again", async ({ browser, ownProgram: program }) => {
  const context = await browser.newContext({ serviceWorkers: "block" });
  const page = await context.newPage();
  // It has tried as often as it does in this tab already.
  await page.addInitScript(() => sessionStorage.setItem("sheaf.attempts", JSON.stringify([5, Date.now()])));
  await page.route(WASM, (route) => route.abort());
  await page.goto(program.url);
  const words = page.getByRole("alert");
  await expect(words).toContainText("Sheaf could not be loaded. Nothing you wrote is gone");
  await page.unroute(WASM);
  await words.getByRole("link", { name: "Try again" }).click();
  await expect(page.getByRole("button", { name: "Start writing" })).toBeVisible();
  await context.close();
});
