import { devices } from "@playwright/test";
import { expect, test } from "../fixtures/people.ts";

const { defaultBrowserType: _, ...phone } = devices["Pixel 7"]!;

test("on a phone nothing sticks out, the words about saving stay, and one can write", async ({ people }) => {
  const ada = await people.join("Ada", phone);
  await ada.app.openTree();
  await ada.app.createPage("A rather long title for such a narrow screen");
  await ada.app.write("https://example.org/a-very-long-address-without-a-single-place-to-break-it-anywhere");
  await expect(ada.app.chipButton).toBeInViewport();
  await ada.app.isSaved();
  const overflow = await ada.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
});

test("what one taps on a phone is big enough for a thumb", async ({ people }) => {
  const ada = await people.join("Ada", phone);
  await ada.app.openTree();
  await ada.app.createPage("Thumbs");
  // All at once: while the drawer closes, buttons go.
  const sides = await ada.page.getByRole("button").evaluateAll((buttons) =>
    buttons
      .filter((button) => button.checkVisibility())
      .map((button) => {
        const { width, height } = button.getBoundingClientRect();
        return { name: button.getAttribute("aria-label") ?? button.textContent, side: Math.min(width, height) };
      }),
  );
  expect(sides.length).toBeGreaterThan(0);
  expect(sides.filter(({ side }) => side < 24)).toEqual([]);
});
