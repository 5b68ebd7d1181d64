// How long a key pressed here takes to be on the screen there: two browsers, one server, each key on the server's disk.

import { expect, test } from "../fixtures/people.ts";
import { conditions, told } from "./figures.ts";

const KEYS = 150;
/** Between two keys, in milliseconds: a fast typist. */
const KEY_EVERY_MS = 70;

type Noted = { noted: number[] };

/** Notes when each key was pressed, in milliseconds since 1970. */
function watchKeys(): void {
  const noted: number[] = [];
  (window as unknown as Noted).noted = noted;
  window.addEventListener("keydown", (event) => noted.push(performance.timeOrigin + event.timeStamp), { capture: true });
}

/** Notes for each letter that is shown when it was painted. */
function watchLetters(): void {
  const noted: number[] = [];
  (window as unknown as Noted).noted = noted;
  const body = document.querySelector(".ProseMirror")!;
  let [shown, painted] = [body.textContent!.length, body.textContent!.length];
  const frame = new MessageChannel();
  frame.port1.onmessage = () => {
    const now = performance.timeOrigin + performance.now();
    for (; painted < shown; painted += 1) noted.push(now);
  };
  new MutationObserver(() => {
    shown = body.textContent!.length;
    // What is posted from a frame's callback is handled after that frame was painted. Frames in which others' text is
    // shown have begun already, so this is asked for in a microtask of the same frame, or for the next one.
    frame.port2.postMessage(null);
  }).observe(body, { childList: true, characterData: true, subtree: true });
}

const notes = (page: import("@playwright/test").Page): Promise<number[]> => page.evaluate(() => (window as unknown as Noted).noted);

test("a key pressed here, painted there", async ({ ownPeople }) => {
  const [ada, ben] = await ownPeople.together("Ada", "Ben");
  await ada!.app.body.click();
  await ada!.page.keyboard.type("Together ");
  await expect(ben!.app.body).toContainText("Together");
  await ada!.page.evaluate(watchKeys);
  await ben!.page.evaluate(watchLetters);
  await ada!.page.keyboard.type("river stone ".repeat(KEYS).slice(0, KEYS), { delay: KEY_EVERY_MS });
  await expect.poll(async () => (await notes(ben!.page)).length).toBeGreaterThanOrEqual(KEYS);
  const [pressed, painted] = [await notes(ada!.page), await notes(ben!.page)];
  const took = pressed.map((from, key) => painted[key]! - from);
  console.log([conditions(ada!.page), told("a key pressed here, painted there", took, { share: 0.5, ms: 15 }, { share: 0.99, ms: 50 })].join("\n"));
});
