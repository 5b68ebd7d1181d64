// The menu behind "/" and the bar at a selection: in view, big enough, by keyboard, and heard.

import type { BrowserContextOptions, Locator, Page } from "@playwright/test";
import { seriousFindings } from "../fixtures/axe.ts";
import { expect, test, type Person } from "../fixtures/people.ts";
import { Picture } from "../fixtures/picture.ts";

const hand: BrowserContextOptions = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
/** Height of the keyboard on the screen, in pixels. */
const KEYBOARD_PX = 336;
const THUMB_PX = 40;

const menu = (page: Page): Locator => page.getByRole("listbox", { name: "Kinds of block" });
const bubble = (page: Page): Locator => page.locator(".surface-bubble");

/** The keyboard on the screen comes up: it covers the page and does not make it smaller. */
async function keyboardUp(page: Page): Promise<void> {
  await page.evaluate((covered) => {
    Object.defineProperty(window.visualViewport!, "height", { get: () => window.innerHeight - covered, configurable: true });
    window.visualViewport!.dispatchEvent(new Event("resize"));
  }, KEYBOARD_PX);
}

async function isSeen(part: Locator, page: Page): Promise<void> {
  // It takes its place in the frame behind the one that shows it.
  await expect(async () => {
    const box = (await part.boundingBox())!;
    const { width, height } = page.viewportSize()!;
    const seen = await page.evaluate(() => window.visualViewport!.height);
    expect(box.x).toBeGreaterThanOrEqual(0);
    expect(box.y).toBeGreaterThanOrEqual(0);
    expect(box.x + box.width).toBeLessThanOrEqual(width);
    expect(box.y + box.height).toBeLessThanOrEqual(Math.min(height, seen) + 0.5);
  }).toPass({ timeout: 10_000 });
}

async function onAPage(person: Person): Promise<Picture> {
  await person.app.openTree();
  await person.app.createPage("Menus");
  return new Picture(person.page);
}

test("on a phone the menu and the bar stay above the keyboard, and each thing in them fits a thumb", async ({ people }) => {
  const ada = await people.join("Ada", hand);
  const here = await onAPage(ada);
  await keyboardUp(ada.page);
  for (const lines of [0, 4, 9]) {
    await here.make([...new Array<string>(lines).fill("words"), "|"]);
    await ada.page.keyboard.type("/");
    await expect(menu(ada.page)).toBeVisible();
    await isSeen(menu(ada.page), ada.page);
    const heights = await menu(ada.page).getByRole("option").evaluateAll((all) => all.map((option) => option.getBoundingClientRect().height));
    expect(Math.min(...heights)).toBeGreaterThanOrEqual(THUMB_PX);
    // The last one can be brought into view and is.
    await ada.page.keyboard.press("ArrowUp");
    const last = menu(ada.page).getByRole("option", { name: "Divider" });
    await expect(last).toHaveAttribute("aria-selected", "true");
    await isSeen(last, ada.page);
    await ada.page.keyboard.press("Escape");
    await expect(menu(ada.page)).toBeHidden();
    await ada.page.keyboard.press("Backspace");
  }
  await here.make(["one [two] three"]);
  await expect(bubble(ada.page)).toBeVisible();
  await isSeen(bubble(ada.page), ada.page);
  const sides = (): Promise<number[]> =>
    bubble(ada.page)
      .locator("button, select, input")
      .evaluateAll((all) => all.filter((part) => part.checkVisibility()).flatMap((part) => [part.getBoundingClientRect().width, part.getBoundingClientRect().height, part.getBoundingClientRect().right <= window.innerWidth ? 99 : 0]));
  await expect.poll(async () => Math.min(...(await sides()))).toBeGreaterThanOrEqual(THUMB_PX);
  await bubble(ada.page).getByRole("button", { name: "Bold" }).tap();
  await expect.poll(() => here.read()).toEqual(["one [*two*] three"]);
  await bubble(ada.page).getByRole("button", { name: "Link" }).tap();
  await isSeen(bubble(ada.page), ada.page);
  await expect.poll(async () => Math.min(...(await sides()))).toBeGreaterThanOrEqual(THUMB_PX);
  await ada.page.keyboard.type("example.org");
  await bubble(ada.page).getByRole("button", { name: "Save the link" }).tap();
  await expect.poll(() => here.read()).toEqual(["one [<*two*→https://example.org>] three"]);
  const overflow = await ada.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
});

test("by finger one chooses from the menu, and the caret stays in the text", async ({ people }) => {
  const ada = await people.join("Ada", hand);
  const here = await onAPage(ada);
  await here.make(["|"]);
  await ada.page.keyboard.type("/");
  await menu(ada.page).getByRole("option", { name: "Heading 2" }).tap();
  await expect(ada.app.body).toBeFocused();
  await ada.page.keyboard.type("Tides");
  await expect.poll(() => here.read()).toEqual(["## Tides|"]);
});

test("the menu is filtered, walked through, taken from and left by keyboard, and says what is chosen", async ({ people }) => {
  const ada = await people.join("Ada");
  const { page } = ada;
  const here = await onAPage(ada);
  await here.make(["|"]);
  const chosen = async (): Promise<string> => {
    const id = await ada.app.body.getAttribute("aria-activedescendant");
    return page.locator(`#${id}`).innerText();
  };
  await page.keyboard.type("/");
  await expect(ada.app.body).toHaveAttribute("aria-controls", (await menu(page).getAttribute("id"))!);
  await expect.poll(chosen).toContain("Text");
  const said = page.locator(".surface-floating [role=status]");
  await expect(said).toHaveText("Text, 1 of 10. Arrow keys choose, Enter takes it, Escape leaves");
  await page.keyboard.type("list");
  await expect(menu(page).getByRole("option")).toHaveText([/Bulleted list/, /Numbered list/, /Task list/]);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await expect.poll(chosen).toContain("Task list");
  await expect(said).toHaveText("Task list, 3 of 3");
  await page.keyboard.press("ArrowDown");
  await expect.poll(chosen).toContain("Bulleted list");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Tab");
  await expect.poll(() => here.read()).toEqual(["☐ |"]);
  await expect(ada.app.body).not.toHaveAttribute("aria-activedescendant");
  await page.keyboard.type("/zebra");
  await expect(menu(page)).toBeHidden();
  await expect.poll(() => here.read()).toEqual(["☐ /zebra|"]);
  await here.make(["|"]);
  await page.keyboard.type("/he");
  await page.keyboard.press("Escape");
  await page.keyboard.type("ad");
  await expect(menu(page)).toBeHidden();
  await page.keyboard.press("Enter");
  await expect.poll(() => here.read()).toEqual(["/head", "|"]);
});

test("the bar is entered, walked along and left by keyboard", async ({ people }) => {
  const ada = await people.join("Ada");
  const { page } = ada;
  const here = await onAPage(ada);
  await here.make(["one [two] three"]);
  await page.keyboard.press("Alt+F10");
  await expect(page.getByRole("combobox", { name: "Turn into" })).toBeFocused();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("button", { name: "Italic" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(ada.app.body).toBeFocused();
  await expect.poll(() => here.read()).toEqual(["one [_two_] three"]);
  await expect(bubble(page).getByRole("button", { name: "Italic" })).toHaveAttribute("aria-pressed", "true");
  await page.keyboard.press("Escape");
  await expect(bubble(page)).toBeHidden();
  await page.keyboard.press("Shift+ArrowRight");
  await expect(bubble(page)).toBeVisible();
  await page.keyboard.press("ControlOrMeta+k");
  await page.keyboard.type("javascript:alert(1)");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("textbox", { name: "Address of the link" })).toHaveAttribute("aria-invalid", "true");
  await page.keyboard.press("Escape");
  await expect(ada.app.body).toBeFocused();
  await expect.poll(() => here.read()).toEqual(["one [_two_ ]three"]);
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const [size, options] of [["at a desk", {}], ["on a phone", hand]] as [string, BrowserContextOptions][]) {
    test(`axe finds nothing serious with the menus open, ${size}, ${colorScheme}`, async ({ people }) => {
      const ada = await people.join("Ada", { ...options, colorScheme });
      const here = await onAPage(ada);
      await here.make(["# Spring", "☑ done", "☐ open", "> quoted", "|"]);
      await ada.page.keyboard.type("/");
      await expect(menu(ada.page)).toBeVisible();
      await expect.poll(() => seriousFindings(ada.page), "menu").toEqual([]);
      await ada.page.keyboard.press("Escape");
      await here.make(["one [*two*] three"]);
      await expect(bubble(ada.page)).toBeVisible();
      await expect.poll(() => seriousFindings(ada.page), "bar").toEqual([]);
      await ada.page.keyboard.press("ControlOrMeta+k");
      await expect(ada.page.getByRole("textbox", { name: "Address of the link" })).toBeFocused();
      await expect.poll(() => seriousFindings(ada.page), "link").toEqual([]);
    });
  }
}
