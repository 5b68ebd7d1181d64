// Keys pressed without waiting for anything to open: none goes elsewhere. Each sequence is one burst of input events.

import type { CDPSession, Page } from "@playwright/test";
import { devtools } from "../fixtures/devtools.ts";
import { expect, test } from "../fixtures/people.ts";

/** Sends keys to the browser back to back: none of them waits until the page has done with the one before. */
class Fingers {
  readonly #protocol: CDPSession;

  private constructor(protocol: CDPSession) {
    this.#protocol = protocol;
  }

  static async on(page: Page): Promise<Fingers> {
    return new Fingers(await devtools(page));
  }

  async press(...keys: string[]): Promise<void> {
    await Promise.all(keys.flatMap((key) => this.#events(key)));
  }

  async type(text: string): Promise<void> {
    await this.press(...text);
  }

  #events(key: string): Promise<unknown>[] {
    const control = key.startsWith("Control+");
    const name = control ? key.slice("Control+".length) : key;
    const codes: Record<string, number> = { Enter: 13, F2: 113, Escape: 27 };
    const windowsVirtualKeyCode = codes[name] ?? name.toUpperCase().charCodeAt(0);
    const common = { key: name, windowsVirtualKeyCode, modifiers: control ? 2 : 0 };
    const text = control ? undefined : name === "Enter" ? "\r" : name.length === 1 ? name : undefined;
    return [
      this.#protocol.send("Input.dispatchKeyEvent", { type: text === undefined ? "rawKeyDown" : "keyDown", ...common, ...(text === undefined ? {} : { text }) }),
      this.#protocol.send("Input.dispatchKeyEvent", { type: "keyUp", ...common }),
    ];
  }
}

test("letters typed in the moment the switcher opens are in its field", async ({ people }) => {
  const ada = await people.join("Ada");
  await ada.app.createPage("Harvest");
  await ada.app.body.focus();
  const fingers = await Fingers.on(ada.page);
  await fingers.press("Control+k", ..."harvest moon");
  await expect(ada.page.getByRole("combobox", { name: "Page title" })).toHaveValue("harvest moon");
  await expect(ada.app.body).toHaveText("");
  await fingers.press("Enter");
  await expect(ada.app.title).toHaveValue("harvest moon");
  await fingers.type("and its first words");
  await expect(ada.app.body).toHaveText("and its first words");
});

test("letters typed in the moment a page is renamed in the tree are in its name", async ({ people }) => {
  const ada = await people.join("Ada");
  await ada.app.createPage("Draft");
  await ada.app.entry("Draft").focus();
  const fingers = await Fingers.on(ada.page);
  await fingers.press("F2", ..."second draft", "Enter");
  await expect(ada.app.entry("second draft")).toBeFocused();
  await fingers.press("F2", ..."third", "Escape");
  await expect(ada.app.entry("second draft")).toBeFocused();
});

test("letters typed in the moment a page is made are its title, and behind Enter its text", async ({ people }) => {
  const ada = await people.join("Ada");
  await ada.app.createPage("Before");
  await ada.app.newPage.focus();
  const fingers = await Fingers.on(ada.page);
  await fingers.press("Enter", ..."made in a hurry");
  await expect(ada.app.title).toHaveValue("made in a hurry");
  await fingers.press("Enter", ..."first words");
  await expect(ada.app.body).toHaveText("first words");
  await expect(ada.app.title).toHaveValue("made in a hurry");
});

test("one dialog opened in the moment another is closed stays open and takes the letters", async ({ people }) => {
  const ada = await people.join("Ada");
  await ada.app.createPage("Orchard");
  await ada.app.createPage("Elsewhere");
  const keys = ada.page.getByRole("dialog", { name: "Keyboard shortcuts" });
  const fingers = await Fingers.on(ada.page);
  // The browser's word that the first one is closed comes at any time around the next key.
  for (let time = 0; time < 5; time += 1) {
    await ada.page.getByRole("main").focus();
    await ada.page.keyboard.press("?");
    await expect(keys).toBeVisible();
    await fingers.press("Escape", "Control+k", ..."orchard");
    await expect(ada.page.getByRole("combobox", { name: "Page title" })).toHaveValue("orchard");
    await fingers.press("Escape");
    await expect(ada.page.getByRole("combobox", { name: "Page title" })).toBeHidden();
  }
});
