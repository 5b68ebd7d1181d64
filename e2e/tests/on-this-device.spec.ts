import { expect, test } from "../fixtures/people.ts";

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
  await ada.page.getByRole("button", { name: "Settings" }).click();
  const settings = ada.page.getByRole("dialog", { name: "Settings" });
  await settings.getByRole("radio", { name: "Dark" }).check({ force: true });
  await settings.getByRole("textbox", { name: "Your name" }).fill("Ada L.");
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
  await expect(ada.app.chip).toContainText(/\d changes? kept on this device/);
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
