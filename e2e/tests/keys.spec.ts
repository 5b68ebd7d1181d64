// Every key and typing shortcut, drawn before and after; and each can be undone and made again.

import { expect, People, profilesOf, test as base, type Person } from "../fixtures/people.ts";
import { Picture, still } from "../fixtures/picture.ts";
import * as groups from "./keys.cases.ts";

/** Most presses of Undo that lead back over the keys of one case. */
const UNDOS_MAX = 12;
/** Longest that one group may take, in milliseconds: some forty cases, each with its way back. */
const GROUP_MS_MAX = 180_000;
const titles: Record<keyof typeof groups, string> = {
  shortcuts: "what one types as Markdown becomes what it says",
  enter: "Enter goes on, splits, and leaves",
  backspace: "Backspace takes back, step by step",
  deletes: "Delete brings the next thing nearer",
  tabs: "Tab goes deeper and back",
  marks: "keys for bold and the like work on words, on blocks and at the caret",
  kinds: "keys for kinds of block turn all that is selected",
  carets: "the caret goes where it goes in other editors",
  moves: "blocks move up and down by key",
};

/** One page with two people for all groups: each case makes the page what it needs. */
const test = base.extend<object, { pair: [Person, Person] }>({
  pair: [
    async ({ browser, program }, use) => {
      const people = new People(profilesOf(browser), program);
      await use((await people.together("Ada", "Ben")) as [Person, Person]);
      await people.dispose();
    },
    { scope: "worker" },
  ],
});

for (const [group, title] of Object.entries(titles) as [keyof typeof groups, string][]) {
  test(title, async ({ pair: [ada, ben] }) => {
    test.setTimeout(GROUP_MS_MAX);
    const here = new Picture(ada.page);
    const there = new Picture(ben.page);
    const press = (key: string): Promise<void> => ada.page.keyboard.press(key.replace("Mod", "ControlOrMeta"));
    for (const [name, before, keys, after] of groups[group]) {
      await here.make(before);
      expect(await here.read(), `${name}: as it was drawn`).toEqual(before);
      for (const key of keys) await (key.startsWith(":") ? ada.page.keyboard.type(key.slice(1)) : press(key));
      let shown = await here.read();
      expect.soft(shown, name).toEqual(after);
      const done = still(shown);
      let undos = 0;
      for (; undos < UNDOS_MAX && still(shown).join("\n") !== still(before).join("\n"); undos += 1) {
        await press("Mod+z");
        shown = await here.read();
      }
      expect.soft(still(shown), `${name}: undone`).toEqual(still(before));
      for (; undos > 0; undos -= 1) await press("Mod+Shift+z");
      expect.soft(still(await here.read()), `${name}: made again`).toEqual(done);
    }
    const end = still(await here.read());
    await expect.poll(async () => still(await there.read())).toEqual(end);
  });
}
