import { App } from "../fixtures/app.ts";
import { devtools } from "../fixtures/devtools.ts";
import { expect, test, type Person } from "../fixtures/people.ts";

/** From the next loading on, the device is as full as the test says: what is written then is taken back. */
async function canFillUp(person: Person): Promise<void> {
  await person.page.addInitScript(() => {
    const add = IDBObjectStore.prototype.add;
    IDBObjectStore.prototype.add = function (...row) {
      if ((window as unknown as { isFull?: boolean }).isFull === true) throw new DOMException("full", "QuotaExceededError");
      return add.apply(this, row);
    };
  });
  await person.app.reload();
}

async function fill(person: Person, isFull: boolean): Promise<void> {
  await person.page.evaluate((isFull) => Object.assign(window, { isFull }), isFull);
}

test("a browser that refuses storage says so, pretends nothing, and still works online", async ({ people }) => {
  const ada = await people.join("Ada");
  const path = await ada.app.createPage("Public");
  await ada.app.isSaved();
  const ben = await people.join("Ben");
  await ben.page.addInitScript(() => {
    IDBFactory.prototype.open = () => {
      throw new DOMException("refused", "SecurityError");
    };
  });
  await ben.app.open(path);
  await expect(ben.app.chip).toContainText("can't store offline");
  await ben.app.write("Typed without storage.");
  await expect(ada.app.body).toContainText("Typed without storage.");
  await ben.goOffline();
  await ben.app.write(" Lost if closed.");
  await expect(ben.app.chip).toContainText(/can't store offline: \d+ changes? not saved/);
  await expect(ben.app.chip).not.toContainText("kept on this device");
  await ben.comeBack();
  await expect(ada.app.body).toContainText("Lost if closed.");
});

test("name, colour and theme are kept, and shown in the other tab at once", async ({ people }) => {
  const ada = await people.join("Ada");
  const path = await ada.app.createPage("Mine");
  const tab = await ada.anotherTab();
  await tab.open(path);
  await ada.page.bringToFront();
  await ada.page.getByRole("button", { name: "Settings" }).click();
  const settings = ada.page.getByRole("dialog", { name: "Settings" });
  await settings.getByRole("radio", { name: "Dark" }).check({ force: true });
  // By keys: in Firefox a field that was filled by a program does not count as changed.
  await settings.getByRole("textbox", { name: "Your name" }).press("End");
  await ada.page.keyboard.type(" L.");
  await ada.page.keyboard.press("Tab");
  await expect(tab.page.locator("html")).toHaveAttribute("data-theme", "dark");
  await ada.app.reload();
  await expect(ada.page.locator("html")).toHaveAttribute("data-theme", "dark");
  await ada.page.getByRole("button", { name: "Settings" }).click();
  await expect(settings.getByRole("textbox", { name: "Your name" })).toHaveValue("Ada L.");
});

test("a browser that cleared what it kept says so, and how much went with it", async ({ people }) => {
  const ada = await people.join("Ada");
  const path = await ada.app.createPage("Cleared");
  await ada.app.write("On the server.");
  await ada.app.isSaved();
  await ada.goOffline();
  await ada.app.write(" x");
  await expect(ada.app.chip).toContainText("2 changes kept on this device");
  await ada.page.close();

  await ada.comeBack();
  const tab = await ada.anotherTab();
  // A page of the same origin that is not the app: nothing holds the storage open.
  await tab.page.goto(new URL("/healthz", ada.line.url).href);
  await tab.page.evaluate(
    () =>
      new Promise((done, failed) => {
        const clearing = indexedDB.deleteDatabase("sheaf");
        clearing.onsuccess = done;
        clearing.onerror = failed;
      }),
  );
  await tab.open(path);
  const notice = tab.page.getByRole("alert");
  await expect(notice).toContainText(/has cleared what Sheaf kept.*2 changes had not reached the server/);
  await expect(tab.body).toHaveText("On the server.");
  await notice.getByRole("button", { name: "I understand" }).click();
  await tab.reload();
  await expect(tab.body).toHaveText("On the server.");
  await expect(notice).toBeHidden();
});

test("a full device says so, keeps counting truly, and keeps what it could not once there is room", async ({ people }) => {
  const ada = await people.join("Ada");
  const path = await ada.app.createPage("Full");
  await ada.app.write("Before. ");
  await ada.app.isSaved();
  await ada.app.keepsItselfForOffline();
  await canFillUp(ada);
  await ada.goOffline();
  await ada.app.write("Kept. ");
  await ada.app.isKept();
  await fill(ada, true);
  await ada.app.write("Not kept.");
  await expect(ada.app.chip).toContainText(/can't store offline: \d+ changes? not saved/);
  await expect(ada.app.chip).not.toContainText("kept on this device");
  await ada.app.chipButton.click();
  const panel = ada.page.getByRole("dialog", { name: /Show where your text is/ });
  await expect(panel).toContainText("This device has no room left for Sheaf.");
  await expect(panel).toContainText(/9 changes only in this open page/);
  await expect(panel.getByRole("button", { name: "Download my copy" })).toBeVisible();
  await ada.page.keyboard.press("Escape");

  // Room is made: what was not kept is kept now, without another key being pressed.
  await fill(ada, false);
  await ada.app.isKept();
  await ada.page.close();
  const tab = await ada.anotherTab();
  await tab.open(path);
  await expect(tab.body).toHaveText("Before. Kept. Not kept.");
  await ada.comeBack();
  await tab.isSaved();
});

test("on a full device everything still reaches the server, and with room again the device has it all", async ({ people }) => {
  const ada = await people.join("Ada");
  const path = await ada.app.createPage("Full and online");
  await ada.app.isSaved();
  await canFillUp(ada);
  await expect(ada.app.body).toBeEditable();
  await fill(ada, true);
  await ada.app.write("Online only.");
  await expect(ada.app.chip).toHaveText("Saved, but this browser can't store offline");
  const ben = await people.join("Ben", {}, path);
  await expect.poll(() => ben.app.text()).toBe("Online only.");

  await fill(ada, false);
  await ada.app.write(" And later.");
  await ada.app.isSaved();
  await ada.app.keepsItselfForOffline();
  await ada.page.close();
  await ada.goOffline();
  const tab = await ada.anotherTab();
  await tab.open(path);
  await expect(tab.body).toHaveText("Online only. And later.");
});

test("the browser's own limit is said in words from the first letter on", async ({ browser, ownProgram }) => {
  const context = await browser.newContext();
  const app = new App(await context.newPage(), ownProgram.url);
  const protocol = await devtools(app.page);
  await protocol.send("Storage.overrideQuotaForOrigin", { origin: ownProgram.url, quotaSize: 1 });
  await app.open("/");
  await app.introduceAs("Ada");
  await app.write("Nothing is kept here.");
  await expect(app.chip).toHaveText("Saved, but this browser can't store offline");
  await app.chipButton.click();
  await expect(app.page.getByRole("dialog", { name: /Show where your text is/ })).toContainText("This device has no room left for Sheaf.");
  await context.close();
});
