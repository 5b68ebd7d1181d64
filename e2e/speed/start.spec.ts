// How long the app takes to be there: first words on the screen, and a caret in a short page.

import { expect, test } from "../fixtures/people.ts";
import { conditions, told } from "./figures.ts";

const TIMES = 8;

type Start = { first: number; caret: number };

/** When something was first painted, and when the page could be written on, in milliseconds since the navigation. */
function start(): Promise<Start> {
  return new Promise((done) => {
    const look = (): void => {
      const first = performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
      const body = document.querySelector<HTMLElement>(".ProseMirror[contenteditable=true]");
      if (body === null || first === undefined) return void requestAnimationFrame(look);
      done({ first, caret: performance.now() });
    };
    look();
  });
}

test("starting, with caches full and empty", async ({ browser, ownPeople, ownProgram }) => {
  const [ada] = await ownPeople.together("Ada");
  const { page } = ada!;
  await ada!.app.body.click();
  await page.keyboard.type("A short page.");
  await ada!.app.isSaved();
  const address = new URL(page.url()).pathname;
  const warm: Start[] = [];
  for (let time = 0; time <= TIMES; time += 1) {
    await ada!.app.open(address);
    const took = await page.evaluate(start);
    // The first one fills the caches.
    if (time > 0) warm.push(took);
  }
  const cold: Start[] = [];
  for (let time = 0; time < TIMES; time += 1) {
    const context = await browser.newContext();
    const fresh = await context.newPage();
    await fresh.goto(`${ownProgram.url}${address}`);
    cold.push(await fresh.evaluate(start));
    await context.close();
  }
  expect(cold.length).toBe(TIMES);
  console.log(
    [
      conditions(page),
      told("first words, warm", warm.map((it) => it.first)),
      told("editable, warm", warm.map((it) => it.caret)),
      told("first words, never here before", cold.map((it) => it.first)),
      told("editable, never here before", cold.map((it) => it.caret)),
    ].join("\n"),
  );
});
