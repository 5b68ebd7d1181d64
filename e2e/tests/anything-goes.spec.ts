// Two people who hit keys at random, in real browsers: at the end both see one page, and nothing went wrong meanwhile.

import type { Page } from "@playwright/test";
import { sameText } from "../fixtures/app.ts";
import { expect, test, type Person } from "../fixtures/people.ts";
import { Picture, still } from "../fixtures/picture.ts";

/** How long both go on, in milliseconds, and how much each does however long that takes. */
const FOR_MS = 8_000;
const DEEDS_MIN = 30;

/** A small generator: one seed, one sequence. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const WORDS = ["river ", "salt ", "- ", "# ", "> ", "1. ", "[] ", "**b** ", "`c` ", "``` ", "---", "é👩‍🚀", "https://example.org "];
const KEYS = [
  "Enter", "Enter", "Enter", "Backspace", "Backspace", "Backspace", "Delete", "Tab", "Shift+Tab", "Shift+Enter", "ControlOrMeta+z", "ControlOrMeta+z", "ControlOrMeta+Shift+z",
  "ControlOrMeta+b", "ControlOrMeta+Alt+1", "ControlOrMeta+Shift+8", "ControlOrMeta+Shift+.", "Alt+ArrowUp", "Alt+ArrowDown", "ArrowUp", "ArrowDown", "ArrowLeft", "Home", "End",
  "Shift+ArrowUp", "Shift+ArrowDown", "Shift+ArrowRight", "Shift+Home", "ControlOrMeta+Home", "ControlOrMeta+End", "ControlOrMeta+Backspace", "ControlOrMeta+Enter",
];
const PASTES: Record<string, string>[] = [
  { "text/html": "<h2>Tides</h2><ul><li>low<ul><li>lower</li></ul></li><li>high</li></ul><pre><code>a\nb</code></pre><p>end</p>" },
  { "text/plain": "one\ntwo\nthree" },
  { "text/plain": "# Stores\n\n- rope\n- [x] tar\n\n> said\n\n---\n\nlast" },
];

/** One random deed. Returns its name, so that a failure can be told. */
async function act(person: Person, roll: (below: number) => number): Promise<string> {
  const { page, app } = person;
  const kind = roll(20);
  // Keys that lead out of the text would go on in the list of pages: through all of the app, and in the end into the bin.
  await app.body.focus();
  if (kind < 9) {
    const word = WORDS[roll(WORDS.length)]!;
    await page.keyboard.type(word);
    return `type ${JSON.stringify(word)}`;
  }
  if (kind < 17) {
    const key = KEYS[roll(KEYS.length)]!;
    await page.keyboard.press(key);
    return key;
  }
  if (kind === 17) {
    const number = roll(PASTES.length);
    await app.paste(PASTES[number]!);
    return `paste ${number}`;
  }
  // A selection from anywhere to anywhere near, as one makes it with the mouse.
  const [from, to] = [roll(1_000) / 1_000, roll(1_000) / 1_000];
  await page.evaluate(
    ([from, to]) => {
      const blocks = document.querySelectorAll(".ProseMirror .block");
      const place = (where: number): [Node, number] => {
        const block = blocks[Math.floor(where * blocks.length)]!;
        const walker = document.createTreeWalker(block.querySelector(".words") ?? block, NodeFilter.SHOW_TEXT);
        const text = walker.nextNode();
        return text ? [text, Math.floor(((where * 7_919) % 1) * text.nodeValue!.length)] : [block, 0];
      };
      const start = Math.max(0, from! - 0.1);
      document.getSelection()!.setBaseAndExtent(...place(Math.max(start, Math.min(to!, from! + 0.1, 0.999))), ...place(from!));
    },
    [from, to],
  );
  return `select ${from} ${to}`;
}

function listen(page: Page, faults: string[]): void {
  page.on("console", (message) => {
    // What the browser itself styles while it deletes is refused by the page's policy, and told.
    if (message.type() === "error" && !message.text().startsWith("Applying inline style")) faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(error.message));
}

for (const seed of [0x5eed, 0xb0a7]) {
  test(`whatever two people do at once, both see the same page and nothing breaks (seed ${seed})`, async ({ people }) => {
    test.setTimeout(FOR_MS + 120_000);
    const [ada, ben] = (await people.together("Ada", "Ben")) as [Person, Person];
    const faults: string[] = [];
    const deeds: string[] = [];
    for (const person of [ada, ben]) {
      listen(person.page, faults);
      await person.app.body.focus();
    }
    const until = Date.now() + FOR_MS;
    await Promise.all(
      [ada, ben].map(async (person, number) => {
        const roll = dice(seed + number);
        for (let done = 0; (done < DEEDS_MIN || Date.now() < until) && faults.length === 0; done += 1) deeds.push(`${person.name}: ${await act(person, roll)}`);
      }),
    );
    const told = deeds.slice(-40).join("\n");
    expect(faults, told).toEqual([]);
    const text = await sameText(ada.app, ben.app);
    const [here, there] = [new Picture(ada.page), new Picture(ben.page)];
    const drawn = still(await here.read());
    await expect.poll(async () => still(await there.read()), told).toEqual(drawn);
    // What is shown is what the document holds: who comes new sees it too.
    await ada.app.isSaved();
    await ben.app.isSaved();
    await ben.app.reload();
    await expect.poll(() => ben.app.text(), told).toBe(text);
    await expect.poll(async () => still(await there.read()), told).toEqual(drawn);
    expect(faults, told).toEqual([]);
  });
}
