// Screens with everything open that can be: checked by axe, nothing sticks out, and a thumb hits what it should. With
// SHEAF_SHOTS naming a folder, a picture of each is left there.

import { AxeBuilder } from "@axe-core/playwright";
import { devices, type BrowserContextOptions, type Page } from "@playwright/test";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { App } from "../fixtures/app.ts";
import { Between } from "../fixtures/mitm.ts";
import { expect, test, type Person } from "../fixtures/people.ts";

const { defaultBrowserType: _, ...pixel } = devices["Pixel 7"]!;
const phone = { ...pixel, viewport: { width: 390, height: 844 } };
/** Checks what is on screen, and takes its picture if pictures are wanted. */
class Looking {
  readonly #look: string;
  #count = 0;

  constructor(look: string) {
    this.#look = look;
  }

  async at(page: Page, screen: string): Promise<void> {
    this.#count += 1;
    const folder = process.env["SHEAF_SHOTS"];
    if (folder !== undefined) {
      await mkdir(folder, { recursive: true });
      const number = String(this.#count).padStart(2, "0");
      await page.screenshot({ path: path.join(folder, `${this.#look}-${number}-${screen}.png`), animations: "disabled" });
    }
    await test.step(screen, async () => {
      const { violations } = await new AxeBuilder({ page }).analyze();
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      const told = serious.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map(({ html, failureSummary }) => `${html}\n    ${failureSummary}`).join("\n  ")}`);
      expect.soft(told, screen).toEqual([]);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect.soft(overflow, `${screen} sticks out`).toBeLessThanOrEqual(0);
      if (this.#look.startsWith("phone")) expect.soft(await smallTargets(page), screen).toEqual([]);
    });
  }
}

/** What one taps that is lower or narrower than a thumb needs; links in running text have their lines. */
async function smallTargets(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const above = document.querySelector("dialog[open]") ?? document.querySelector(".drawer-open .side") ?? document;
    const targets = [...above.querySelectorAll<HTMLElement>("button, a[data-route], [role=treeitem], [role=option], .swatch, .choices label, input[type=text]")];
    return targets
      .filter((target) => target.checkVisibility() && target.closest(".surface, .skip") === null)
      .filter((target) => target.getBoundingClientRect().left >= 0 && target.getBoundingClientRect().right <= innerWidth + 1)
      .map((target) => ({ target, box: target.getBoundingClientRect() }))
      .filter(({ box }) => box.height > 0 && (box.height < 39.5 || box.width < 39.5))
      .map(({ target, box }) => `${target.getAttribute("aria-label") ?? target.textContent}: ${Math.round(box.width)} × ${Math.round(box.height)}`);
  });
}

test("axe finds nothing serious with menus, dialogs and every state of the chip open", async ({ browser, ownPeople, ownProgram }) => {
  test.setTimeout(150_000);
  const options: BrowserContextOptions = { colorScheme: "light" };
  const looking = new Looking("desktop-light");
  await firstVisit(looking, new App(await (await browser.newContext(options)).newPage(), ownProgram.url));
  const ada = await ownPeople.join("Ada", options);
  await ordinaryScreens(looking, ada);
  await statesOfTheChip(looking, ada);
});

test("on a phone no screen sticks out, axe finds nothing serious, and a thumb hits what it should", async ({ browser, ownPeople, ownProgram }) => {
  test.setTimeout(150_000);
  const options: BrowserContextOptions = { ...phone, colorScheme: "light" };
  const looking = new Looking("phone-light");
  await firstVisit(looking, new App(await (await browser.newContext(options)).newPage(), ownProgram.url));
  await ordinaryScreens(looking, await ownPeople.join("Ada", options));
});

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
  await ada.comeBack();
  await app.isSaved();
}
