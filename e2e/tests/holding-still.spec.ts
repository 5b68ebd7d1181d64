// What others do above does not move what one reads, and what they do beside one's caret does not move the caret.

import { devices, type BrowserContextOptions, type Page } from "@playwright/test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { sameText } from "../fixtures/app.ts";
import { expect, test, type People, type Person } from "../fixtures/people.ts";
import { Picture } from "../fixtures/picture.ts";
import type { Program } from "../fixtures/program.ts";

const { defaultBrowserType: _, ...phone } = devices["Pixel 7"]!;
/** Most, in pixels, that a line may move under the reader's eyes. */
const MOVES_MAX_PX = 2;
const MANY = 200;

const paragraph = (number: number): string => `Paragraph ${number} says what the river did on that day, and whether the boat got through.`;

/** Ada, and Ben with `options`, on a page of `length` paragraphs. */
async function readers(program: Program, people: People, length: number, options: BrowserContextOptions): Promise<[Person, Person]> {
  const folder = await mkdtemp(path.join(tmpdir(), "sheaf-still-"));
  const text = Array.from({ length }, (_, number) => paragraph(number)).join("\n\n");
  await writeFile(path.join(folder, "still.md"), text);
  const address = await program.importFile(path.join(folder, "still.md"));
  await rm(folder, { recursive: true });
  const [ada, ben] = [await people.join("Ada"), await people.join("Ben", options)];
  for (const person of [ada, ben]) {
    await person.app.open(address);
    await expect(person.app.body).toBeEditable();
  }
  return [ada, ben];
}

/** Scrolls to the paragraph `number`, and watches from then on, frame by frame, how far it moves from where it is. */
async function watch(page: Page, number: number): Promise<void> {
  const block = page.locator(".ProseMirror .block", { hasText: `Paragraph ${number} ` });
  await block.evaluate((dom) => dom.scrollIntoView({ block: "center" }));
  // Blocks far from view get their height when they come near: wait until all is where it stays.
  await expect(async () => {
    const tops = await block.evaluate(async (dom) => {
      const top = dom.getBoundingClientRect().top;
      for (let frame = 0; frame < 10; frame += 1) await new Promise(requestAnimationFrame);
      return [top, dom.getBoundingClientRect().top];
    });
    expect(tops[0]).toBe(tops[1]);
  }).toPass();
  await page.evaluate((words) => {
    const find = (): number => {
      for (const dom of document.querySelectorAll(".ProseMirror .block")) if (dom.textContent!.includes(words)) return dom.getBoundingClientRect().top;
      return Number.NaN;
    };
    const start = find();
    const seen = { moved: 0, on: true };
    Object.assign(window, { seen });
    const look = (): void => {
      const moved = Math.abs(find() - start);
      if (!(moved <= seen.moved)) seen.moved = moved;
      if (seen.on) requestAnimationFrame(look);
    };
    look();
  }, `graph ${number} says`);
}

/** How far, at most, what is watched moved so far, in pixels. */
async function moved(page: Page): Promise<number> {
  return page.evaluate(async () => {
    for (let frame = 0; frame < 5; frame += 1) await new Promise(requestAnimationFrame);
    return (window as unknown as { seen: { moved: number } }).seen.moved;
  });
}

for (const [where, options] of [["on a desk", {}], ["on a phone", phone]] as [string, BrowserContextOptions][]) {
  for (const [page, length] of [["short page", 120], ["long page", 700]] as [string, number][]) {
    test(`${where}, the lines one reads on a ${page} stay put while ${MANY} blocks come and go above`, async ({ ownProgram, ownPeople }) => {
      test.setTimeout(120_000);
      const [ada, ben] = await readers(ownProgram, ownPeople, length, options);
      const middle = Math.floor(length / 2);
      await watch(ben.page, middle);
      await ada.app.body.focus();
      await ada.page.keyboard.press("ControlOrMeta+Home");
      const many = Array.from({ length: MANY }, (_, number) => `<p>Put in as number ${number}, with a few more words in it.</p>`).join("");
      await ada.app.paste({ "text/html": `${many}<p></p>` });
      await expect(ben.app.body).toContainText(`Put in as number ${MANY - 1}`);
      expect(await moved(ben.page), "when they came").toBeLessThan(MOVES_MAX_PX);
      await ada.page.keyboard.press("ControlOrMeta+z");
      await expect(ben.app.body).not.toContainText("Put in as number");
      expect(await moved(ben.page), "when they went").toBeLessThan(MOVES_MAX_PX);

      // The same for one who has something selected there, and for one who writes there.
      const line = new Picture(ben.page);
      const before = await line.read();
      const at = before.findIndex((block) => block.startsWith(`Paragraph ${middle} `));
      const place = (words: string): string[] => [...new Array<string>(at).fill(""), words];
      await line.select(place("Para[graph] 1"));
      await watch(ben.page, middle);
      await ada.page.keyboard.press("ControlOrMeta+Shift+z");
      await expect(ben.app.body).toContainText(`Put in as number ${MANY - 1}`);
      expect(await moved(ben.page), "with a selection").toBeLessThan(MOVES_MAX_PX);
      expect(await ben.page.evaluate(() => document.getSelection()!.toString())).toBe("graph");
      await ben.page.keyboard.press("ArrowLeft");
      const typing = ben.page.keyboard.type("cute ", { delay: 30 });
      await ada.page.keyboard.press("ControlOrMeta+z");
      await typing;
      await expect(ben.app.body).not.toContainText("Put in as number");
      await expect(ben.app.body).toContainText(`Paracute graph ${middle} says`);
      expect(await moved(ben.page), "while writing").toBeLessThan(MOVES_MAX_PX);
      await sameText(ada.app, ben.app);
    });
  }
}

test("a caret stays between its letters while another writes, deletes and breaks the same line", async ({ people }) => {
  const [ada, ben] = (await people.together("Ada", "Ben")) as [Person, Person];
  const [theirs, own] = [new Picture(ada.page), new Picture(ben.page)];
  await theirs.make(["the river rose in the night"]);
  await sameText(ada.app, ben.app);
  await own.select(["the river rose| in the night"]);
  const steps: [string[], string[], string[]][] = [
    [["|the river rose in the night"], [":And "], ["And the river rose| in the night"]],
    [["And the river rose| in the night"], [": again"], ["And the river rose| again in the night"]],
    [["And the river |rose again in the night"], ["Backspace"], ["And the riverrose| again in the night"]],
    [["And the river[rose again] in the night"], ["Delete"], ["And the river| in the night"]],
    [["And |the river in the night"], ["Enter"], ["And ", "the river| in the night"]],
    [["", "|the river in the night"], ["Mod+Alt+1"], ["And ", "# the river| in the night"]],
    [["", "the river in| the night"], ["Enter"], ["And ", "# the river| in", "#  the night"]],
    [["", "|the river in"], ["Backspace", "Backspace"], ["And the river| in", "#  the night"]],
  ];
  for (const [place, keys, after] of steps) {
    await theirs.select(place);
    for (const key of keys) await (key.startsWith(":") ? ada.page.keyboard.type(key.slice(1)) : ada.page.keyboard.press(key.replace("Mod", "ControlOrMeta")));
    await expect.poll(() => own.read(), keys.join(" ")).toEqual(after);
  }
  await ben.app.type("!");
  expect(await sameText(ada.app, ben.app)).toBe("And the river! in\n the night");
});
