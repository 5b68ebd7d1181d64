// How long a key takes to be on the screen, and a page to open, where the page has 10,000 blocks.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { CDPSession, Page } from "@playwright/test";
import { expect, test } from "../fixtures/people.ts";
import { conditions, told } from "./figures.ts";
import { longPage } from "./long-page.ts";

const BLOCKS = 10_000;
const KEYS = 100;
/** Between two keys, in milliseconds: a fast typist. */
const KEY_EVERY_MS = 60;

/** Notes for each key how many milliseconds passed until the frame that shows it was made. */
function watchKeys(): void {
  const took: number[] = [];
  (window as unknown as { took: number[] }).took = took;
  const painted = new MessageChannel();
  const waiting: number[] = [];
  painted.port1.onmessage = () => {
    for (const from of waiting.splice(0)) took.push(performance.now() - from);
  };
  window.addEventListener(
    "keydown",
    (event) => {
      const from = event.timeStamp;
      // What is posted from a frame's callback is handled after that frame was painted.
      requestAnimationFrame(() => {
        waiting.push(from);
        painted.port2.postMessage(null);
      });
    },
    { capture: true },
  );
}

async function keysTook(page: Page): Promise<number[]> {
  return page.evaluate(() => (window as unknown as { took: number[] }).took.splice(0));
}

/** Seconds of processor time the page's main thread has used so far: a figure that other programs on the machine hardly distort. */
async function processorTime(protocol: CDPSession): Promise<number> {
  const { metrics } = await protocol.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN;
}

test(`keys and opening on a page of ${BLOCKS} blocks`, async ({ ownProgram, ownPeople }) => {
  const folder = await mkdtemp(path.join(tmpdir(), "sheaf-speed-"));
  const file = path.join(folder, "long.md");
  await writeFile(file, longPage(BLOCKS));
  const address = await ownProgram.importFile(file);
  await rm(folder, { recursive: true });

  const ada = await ownPeople.join("Ada");
  const { page } = ada;
  const lines = [conditions(page)];

  const opened: number[] = [];
  for (let time = 0; time < 6; time += 1) {
    await ada.app.open(address);
    const ms = await page.evaluate(
      () =>
        new Promise<number>((open) => {
          const look = (): void => {
            // The editor comes with all its blocks at once.
            if (document.querySelector(".ProseMirror[contenteditable=true] .block") !== null) open(performance.now());
            else requestAnimationFrame(look);
          };
          look();
        }),
    );
    // The first one fills the caches.
    if (time > 0) opened.push(ms);
  }
  lines.push(told("opening, navigation to editable", opened, { share: 0.95, ms: 500 }));
  const blocks = await ada.app.body.evaluate((body) => body.querySelectorAll(".block").length);
  expect(blocks).toBeGreaterThanOrEqual(BLOCKS);

  const protocol = await page.context().newCDPSession(page);
  await protocol.send("Performance.enable", { timeDomain: "threadTicks" });
  const letters = (): Promise<void> => page.keyboard.type("river stone ".repeat(KEYS).slice(0, KEYS), { delay: KEY_EVERY_MS });
  const measured = async (what: string, typing: () => Promise<void>): Promise<void> => {
    await keysTook(page);
    const before = await processorTime(protocol);
    await typing();
    const took = await keysTook(page);
    const each = ((await processorTime(protocol)) - before) * 1_000 / took.length;
    lines.push(`${told(what, took, { share: 0.95, ms: 16 })}; main thread busy for ${each.toFixed(1)} ms of processor time each`);
  };
  await page.evaluate(watchKeys);
  const places: [string, string][] = [
    ["a letter in a paragraph", ".block.paragraph"],
    ["a letter in a numbered item", ".block.ordered"],
    ["a letter in code", ".block.code"],
  ];
  for (const [what, selector] of places) {
    const middle = Math.floor((await ada.app.body.locator(selector).count()) / 2);
    await ada.app.body.locator(selector).nth(middle).click();
    await page.keyboard.press("End");
    await measured(what, letters);
  }
  const items = ada.app.body.locator(".block.ordered");
  await items.nth(Math.floor((await items.count()) / 2)).click();
  await page.keyboard.press("End");
  await measured("Enter or a letter, in a numbered list", async () => {
    for (let time = 0; time < KEYS / 2; time += 1) {
      await page.keyboard.press("Enter", { delay: KEY_EVERY_MS / 2 });
      await page.keyboard.type("x", { delay: KEY_EVERY_MS / 2 });
    }
  });
  // What this machine and its screen's rhythm cost where there is next to nothing to draw.
  await ada.app.createPage("Empty");
  await ada.app.body.click();
  await measured("the floor: a letter on an empty page", letters);
  console.log(lines.join("\n"));
});
