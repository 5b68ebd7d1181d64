// The browser clears its storage under an open page: what is open is written anew, and nothing is called kept before.

import { devtools } from "../fixtures/devtools.ts";
import { expect, test, type Person } from "../fixtures/people.ts";

/** Clears what this site keeps, as the browser does when the device runs short of room. */
async function clearStorage(person: Person): Promise<void> {
  const protocol = await devtools(person.page);
  await protocol.send("Storage.clearDataForOrigin", { origin: new URL(person.page.url()).origin, storageTypes: "indexeddb" });
}

/** From the next loading on, a test says whether storage can be opened. */
async function canBeShut(person: Person): Promise<void> {
  await person.page.addInitScript(() => {
    const open = IDBFactory.prototype.open;
    IDBFactory.prototype.open = function (...name) {
      if ((window as unknown as { isShut?: boolean }).isShut === true) throw new DOMException("busy clearing", "UnknownError");
      return open.apply(this, name);
    };
  });
  await person.app.reload();
}

async function shut(person: Person, isShut: boolean): Promise<void> {
  await person.page.evaluate((isShut) => Object.assign(window, { isShut }), isShut);
}

/** A page with words on the server, and more that are on this device only. */
async function writtenOffline(person: Person): Promise<string> {
  const path = await person.app.createPage("Cleared while open");
  await person.app.write("Words");
  await person.app.isSaved();
  await person.app.keepsItselfForOffline();
  await canBeShut(person);
  await expect(person.app.body).toHaveText("Words");
  await person.app.isSaved();
  await person.goOffline();
  await person.app.write(" more");
  await expect(person.app.chip).toHaveText("Offline: 5 changes kept on this device");
  return path;
}

/** Without this tab and without a network, a new one still has `text`; it reaches the server when there is one. */
async function isKeptForTheNextStart(person: Person, path: string, text: string): Promise<void> {
  await person.app.crash();
  const tab = await person.anotherTab();
  await tab.open(path);
  await expect(tab.body).toHaveText(text);
  await tab.isKept();
  await person.comeBack();
  await tab.isSaved();
}

test("storage that the browser clears under an open page is written anew, and the person is told", async ({ people }) => {
  const ada = await people.join("Ada");
  const path = await writtenOffline(ada);
  await clearStorage(ada);
  await expect(ada.page.getByRole("alert")).toContainText("has cleared what Sheaf kept on this device. What is open here was kept again");
  await expect(ada.app.chip).toHaveText("Offline: 5 changes kept on this device");
  await ada.app.write(" and on");
  await expect(ada.app.chip).toHaveText("Offline: 12 changes kept on this device");
  await isKeptForTheNextStart(ada, path, "Words more and on");
});

test("while cleared storage can't be opened nothing is called kept, and it is filled as soon as it can", async ({ people }) => {
  const ada = await people.join("Ada");
  const path = await writtenOffline(ada);
  await shut(ada, true);
  await clearStorage(ada);
  await expect(ada.app.chip).not.toContainText("kept on this device");
  await expect(ada.app.chip).toContainText("5 changes");
  await expect(ada.page.getByRole("alert")).toBeHidden();
  await ada.app.write("!");
  await expect(ada.app.chip).toContainText("6 changes");
  await expect(ada.app.chip).not.toContainText("kept on this device");
  await shut(ada, false);
  await expect(ada.app.chip).toHaveText("Offline: 6 changes kept on this device");
  await expect(ada.page.getByRole("alert")).toContainText("What is open here was kept again");
  await isKeptForTheNextStart(ada, path, "Words more!");
});
