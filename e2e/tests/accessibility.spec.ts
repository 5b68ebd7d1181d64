// Every screen, light and dark, desktop and phone, checked by axe.

import { AxeBuilder } from "@axe-core/playwright";
import { devices, type BrowserContextOptions, type Page } from "@playwright/test";
import { expect, test } from "../fixtures/people.ts";

const { defaultBrowserType: _, ...phone } = devices["Pixel 7"]!;
const looks: [string, BrowserContextOptions][] = [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["on a phone, light", { ...phone, colorScheme: "light" }],
  ["on a phone, dark", { ...phone, colorScheme: "dark" }],
];

async function hasNoSeriousFinding(page: Page, screen: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const told = serious.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map(({ html, failureSummary }) => `${html}\n    ${failureSummary}`).join("\n  ")}`);
  expect(told, screen).toEqual([]);
}

for (const [look, options] of looks) {
  test(`axe finds nothing serious on any screen, ${look}`, async ({ people }) => {
    const ada = await people.join("Ada", options);
    await hasNoSeriousFinding(ada.page, "welcome");
    await ada.app.openTree();
    await ada.app.createPage("A page with everything");
    await ada.app.write("# Heading\nA paragraph.\n- item\n\n> quote\n\n[] task\n\n```\ncode");
    await hasNoSeriousFinding(ada.page, "page");
    await ada.app.chipButton.click();
    await hasNoSeriousFinding(ada.page, "details of what is saved");
    await ada.page.keyboard.press("Escape");
    await ada.goOffline();
    await expect(ada.app.chip).toContainText(/offline/i);
    await hasNoSeriousFinding(ada.page, "offline");
  });
}
