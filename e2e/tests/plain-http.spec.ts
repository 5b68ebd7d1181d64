// Over plain HTTP beyond this machine a browser gives no service worker, no clipboard and no lock: the app must do
// without, and say what that costs.

import { config } from "../playwright.config.ts";
import { expect, test as base } from "../fixtures/people.ts";
import { App } from "../fixtures/app.ts";

const HOST = "sheaf.test";
const options = config.use!.launchOptions!;
const test = base;
test.skip(({ browserName }) => browserName !== "chromium", "Playwright can do this in Chromium only: give this machine another name");
test.use({ launchOptions: { ...options, args: [...options.args!, `--host-resolver-rules=MAP ${HOST} 127.0.0.1`] } });

test("over plain HTTP one writes together, and the words say what does not work there", async ({ browser, openProgram }) => {
  const url = `http://${HOST}:${openProgram.port}`;
  const faults: string[] = [];
  const apps: App[] = [];
  for (const name of ["Ada", "Ben"]) {
    const context = await browser.newContext();
    context.on("weberror", (fault) => faults.push(`${name}: ${fault.error().message}`));
    const app = new App(await context.newPage(), url);
    await app.open("/");
    expect(await app.page.evaluate(() => [isSecureContext, "serviceWorker" in navigator, "locks" in navigator])).toEqual([false, false, false]);
    await app.introduceAs(name);
    apps.push(app);
  }
  const [ada, ben] = apps as [App, App];
  const path = await ada.createPage("Plain");
  await ada.write("Over plain HTTP. ");
  await ada.isSaved();
  await ben.open(path);
  await ben.write("Together.");
  await expect.poll(() => ada.text()).toBe("Over plain HTTP. Together.");

  await ada.chipButton.click();
  const panel = ada.page.getByRole("dialog", { name: /Show where your text is/ });
  await expect(panel).toContainText("This address is plain HTTP");
  await expect(panel).toContainText("No: needs HTTPS");
  await ada.page.keyboard.press("Escape");
  await ada.page.getByRole("button", { name: "Settings" }).click();
  await expect(ada.page.getByRole("dialog", { name: "Settings" })).toContainText("This address is plain HTTP");
  await ada.page.keyboard.press("Escape");

  // The link is shown to be copied by hand: there is no clipboard here.
  const shown = new Promise<string>((resolve) =>
    ada.page.once("dialog", (dialog) => {
      resolve(dialog.defaultValue());
      void dialog.accept();
    }),
  );
  await ada.page.getByRole("button", { name: "More about this page" }).click();
  await ada.page.getByRole("menuitem", { name: "Copy link" }).click();
  expect(await shown).toBe(`${url}${path}`);

  // What is typed while the server is gone is kept, and goes on after a reload that finds the server again.
  await openProgram.kill();
  await ada.write(" Kept.");
  await ada.isKept();
  await openProgram.start();
  await ada.reload();
  await expect.poll(() => ada.text()).toBe("Over plain HTTP. Together. Kept.");
  await ada.isSaved();
  await expect.poll(() => ben.text()).toBe("Over plain HTTP. Together. Kept.");
  expect(faults).toEqual([]);
  for (const app of apps) await app.page.context().close();
});
