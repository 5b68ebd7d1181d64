// Every screen with everything open that can be, on a desk and on a phone, light and dark: checked by axe, nothing
// sticks out, and a thumb hits what it should. With SHEAF_SHOTS naming a folder, a picture of each is left there.

import type { Page } from "@playwright/test";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { App } from "../fixtures/app.ts";
import { devtools } from "../fixtures/devtools.ts";
import { Looking, screens } from "../fixtures/looking.ts";
import { Between } from "../fixtures/mitm.ts";
import { expect, test, type People, type Person } from "../fixtures/people.ts";
import { Picture } from "../fixtures/picture.ts";
import type { Program } from "../fixtures/program.ts";
import { WireTap } from "../fixtures/wire-tap.ts";

/** Pages in a tree that is long. */
const PAGES = 200;
/** The address of a page that nobody ever made. */
const UNKNOWN_PAGE = "AAAAAAAAAAAAAAAAAAAAAA";

for (const device of ["desktop", "phone"] as const) {
  test(`on a ${device} axe finds nothing serious on any screen, light or dark, and nothing sticks out`, async ({ browser, ownPeople, ownProgram }, testInfo) => {
    test.setTimeout(300_000);
    const looking = new Looking(device);
    await neverLoaded(looking, await (await browser.newContext({ ...screens[device], serviceWorkers: "block" })).newPage(), ownProgram.url);
    await firstVisit(looking, new App(await (await browser.newContext(screens[device])).newPage(), ownProgram.url));
    const ada = await ownPeople.join("Ada", screens[device]);
    await ordinaryScreens(looking, ada);
    await menusAndOthers(looking, ada, ownPeople);
    await statesOfTheChip(looking, ada);
    await bin(looking, ada);
    await imports(looking, ada);
    await whatGoesWrong(looking, ada);
    await programFails(looking, await ownPeople.join("Dan", screens[device]));
    await plantTree(ownProgram, testInfo.outputPath("tree"));
    await bigTree(looking, await ownPeople.join("Cleo", screens[device]));
  });
}

/** Pages made of files, every seventh with a long name. */
async function plantTree(program: Program, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const files: string[] = [];
  for (let number = 1; number <= PAGES; number += 1) {
    const long = number % 7 === 0 ? " with a name that is much longer than any list on the side could ever show" : "";
    const file = path.join(folder, `${number}.md`);
    await writeFile(file, `# Page ${number}${long}\n\nText ${number}\n`);
    files.push(file);
  }
  await program.importFiles(files);
}

async function neverLoaded(looking: Looking, page: Page, url: string): Promise<void> {
  await page.addInitScript(() => sessionStorage.setItem("sheaf.attempts", JSON.stringify([5, Date.now()])));
  await page.route(/_bg\.wasm$/, (route) => route.abort());
  await page.goto(url);
  await expect(page.getByRole("alert")).toContainText("Sheaf could not be loaded");
  // What follows the system's theme was not loaded either; it is drawn as it was at the start.
  await looking.once(page, "never-loaded");
  await page.context().close();
}

async function firstVisit(looking: Looking, app: App): Promise<void> {
  await app.open("/");
  await expect(app.page.getByRole("button", { name: "Start writing" })).toBeVisible();
  await looking.at(app.page, "welcome");
  await app.page.getByRole("button", { name: "Start writing" }).click();
  await expect(app.title).toHaveValue("Welcome to Sheaf");
  await app.isSaved();
  await looking.at(app.page, "tour");
  await app.page.context().close();
}

async function ordinaryScreens(looking: Looking, ada: Person): Promise<void> {
  const { app, page } = ada;
  await app.openTree();
  await app.createPage();
  await app.isSaved();
  await looking.at(page, "empty-page");
  await app.title.fill("A page with everything");
  await app.write("# Heading\nA paragraph with a long-address.example.org/that/goes/on/and/on/without/a/place/to/break/it/anywhere/at/all.\n- item\n\n> quote\n\n[] task\n\n```\ncode");
  await app.isSaved();
  await looking.at(page, "page");
  await page.getByRole("button", { name: "More about this page" }).click();
  await looking.at(page, "page-menu");
  await page.keyboard.press("Escape");
  await page.keyboard.press("ControlOrMeta+k");
  await looking.at(page, "switcher");
  await page.keyboard.type("zebra");
  await looking.at(page, "switcher-nothing-found");
  await page.keyboard.press("Escape");
  await page.getByRole("main").focus();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
  await looking.at(page, "keys");
  await page.keyboard.press("Escape");
  await app.openTree();
  await page.getByRole("button", { name: "Settings" }).click();
  await expect(page.getByRole("dialog", { name: "Settings" })).toBeVisible();
  await looking.at(page, "settings");
  await page.keyboard.press("Escape");
  const path = app.path;
  await app.open("/no/such/place");
  await looking.at(page, "not-found");
  await app.open(path);
  await expect(app.body).toBeEditable();
}

async function statesOfTheChip(looking: Looking, ada: Person): Promise<void> {
  const { app, page } = ada;
  const between = await Between.of(page, app.documentName);
  await app.reload();
  const panel = page.getByRole("dialog", { name: /Show where your text is/ });
  const look = async (state: string) => {
    if (!(await panel.isVisible())) await app.chipButton.click();
    await expect(panel).toBeVisible();
    await looking.at(page, `chip-${state}`);
    await page.keyboard.press("Escape");
    await expect(panel).toBeHidden();
  };
  await app.isSaved();
  await look("saved");
  between.judge("hold");
  await app.write("late");
  await expect(app.chip).toHaveText("Saving…");
  await look("saving");
  between.judge("pass");
  await app.isSaved();
  between.judge("refuse");
  await app.write(" refused");
  await expect(app.chip).toContainText("Not taken by the server");
  await look("refused");
  between.judge("pass");
  await app.chipButton.click();
  await page.getByRole("button", { name: "Try the server now" }).click();
  await page.keyboard.press("Escape");
  await app.isSaved();
  await ada.goOffline();
  await expect(app.chip).toContainText(/offline/i);
  await app.write(" away");
  await app.isKept();
  await look("offline");
  await page.evaluate(() => {
    const add = IDBObjectStore.prototype.add;
    const refuse = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
    IDBObjectStore.prototype.add = refuse;
    Object.assign(window, { makeRoom: () => (IDBObjectStore.prototype.add = add) });
  });
  await app.write(" full");
  await expect(app.chip).toContainText("can't store offline");
  await look("storage-full");
  await page.evaluate(() => (window as unknown as { makeRoom(): void }).makeRoom());
  await app.isKept();
  await app.open(`/p/${UNKNOWN_PAGE}`);
  await expect(page.getByRole("main")).toContainText("has not been opened on this device before");
  await looking.at(page, "not-here-yet");
  await ada.comeBack();
  await app.open("/");
  await app.isSaved();
}

async function menusAndOthers(looking: Looking, ada: Person, people: People): Promise<void> {
  const { app, page } = ada;
  const here = new Picture(page);
  await here.make(["# Tides", "The sea *rises* twice a day.", "- salt", "  - sand", "1. first", "☑ done", "> said", "---", "``` code", "|"]);
  const ben = await people.join("Ben", {}, app.path);
  await expect(ben.app.body).toContainText("rises");
  await new Picture(ben.page).select(["", "The sea [rises] twice"]);
  await expect(app.caretOf("Ben")).toBeAttached();
  await app.body.focus();
  await page.keyboard.type("/");
  await expect(page.getByRole("listbox", { name: "Kinds of block" })).toBeVisible();
  await looking.at(page, "menu-of-blocks");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Backspace");
  await expect(async () => {
    // A phone's editor takes a deleted letter in a moment later, and puts the caret where it was.
    await here.select(["", "", "- [salt]"]);
    await expect(page.locator(".surface-bubble")).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await looking.at(page, "bar-at-a-selection");
  await ben.context.close();
  await here.select(["|"]);
  const tap = await WireTap.on(ada.context);
  await app.reload();
  await app.isSaved();
  await app.body.focus();
  tap.tellRole(app.documentName, "viewer");
  await expect(page.locator(".editor-notices")).toContainText("You can read this page, but not change it");
  await page.keyboard.type("in vain");
  await expect(page.locator(".in-vain")).toHaveText("in vain");
  await looking.at(page, "read-only");
}

async function bin(looking: Looking, ada: Person): Promise<void> {
  const { app, page } = ada;
  await app.open("/bin");
  await looking.at(page, "bin-empty");
  await app.open("/");
  await expect(app.body).toBeEditable();
  for (const title of ["Thrown away", "Thrown away too, with a rather long name that needs more than one line on a phone"]) {
    await app.openTree();
    await app.createPage(title);
    await page.getByRole("button", { name: "More about this page" }).click();
    await page.getByRole("menuitem", { name: "Move to bin" }).click();
  }
  await expect(page.getByRole("button", { name: "Undo" }).first()).toBeVisible();
  await looking.at(page, "in-the-bin-notice");
  await app.open("/bin");
  await expect(page.getByRole("button", { name: "Restore: Thrown away", exact: true })).toBeVisible();
  await looking.at(page, "bin");
  await page.getByRole("button", { name: "Delete for good: Thrown away", exact: true }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await looking.at(page, "delete-for-good");
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "Thrown away", exact: true }).click();
  await expect(page.getByText("This page is in the bin.")).toBeVisible();
  await looking.at(page, "page-in-the-bin");
}

async function whatGoesWrong(looking: Looking, ada: Person): Promise<void> {
  const { app, page } = ada;
  await app.open("/");
  await app.isSaved();
  const protocol = await devtools(page);
  await protocol.send("Storage.clearDataForOrigin", { origin: new URL(page.url()).origin, storageTypes: "indexeddb" });
  await expect(page.getByRole("alert")).toContainText("has cleared what Sheaf kept on this device");
  await looking.at(page, "storage-cleared");
  await page.getByRole("button", { name: "I understand" }).click();
}

/** The list of files is the browser's own; ours is what became of them. */
async function imports(looking: Looking, ada: Person): Promise<void> {
  const { app, page } = ada;
  await app.open("/");
  await app.isSaved();
  await page.getByLabel("Files to import").setInputFiles([
    { name: "ebb.md", mimeType: "text/markdown", buffer: Buffer.from("# Ebb\n\nThe sea goes.\n") },
    { name: "a-photo-with-a-rather-long-name-taken-at-the-sea.md", mimeType: "text/markdown", buffer: Buffer.from([1, 0, 2]) },
  ]);
  await expect(page.getByText("was not imported: it is not a text.")).toBeVisible();
  await looking.at(page, "imported-and-not");
}

async function programFails(looking: Looking, dan: Person): Promise<void> {
  const { app, page } = dan;
  await app.openTree();
  await app.createPage("Before it fails");
  await app.write("words");
  await app.isSaved();
  await dan.breakProgram();
  await app.openTree();
  await page.getByRole("button", { name: "New page", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("Something went wrong in this tab");
  await looking.at(page, "program-failed");
}

async function bigTree(looking: Looking, cleo: Person): Promise<void> {
  const { app, page } = cleo;
  await app.openTree();
  await expect(app.entry("Page 9")).toBeAttached({ timeout: 20_000 });
  for (let depth = 1; depth < 8; depth += 1) {
    const name = depth === 6 ? /^Page 7 with/ : `Page ${depth + 1}`;
    const row = app.tree.getByRole("treeitem", { name, exact: typeof name === "string" });
    await row.focus();
    for (let step = 0; step < depth; step += 1) await page.keyboard.press("Alt+ArrowRight");
    await expect(row).toHaveAttribute("aria-level", String(depth + 1));
  }
  await looking.at(page, `tree-of-${PAGES}`);
  await app.entry(`Page ${PAGES}`).scrollIntoViewIfNeeded();
  await app.entry(`Page ${PAGES}`).click();
  await expect(app.title).toHaveValue(`Page ${PAGES}`);
  await looking.at(page, "last-page-of-the-tree");
}
