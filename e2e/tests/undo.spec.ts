import { sameText } from "../fixtures/app.ts";
import { expect, test, type Person } from "../fixtures/people.ts";
import { Picture, still } from "../fixtures/picture.ts";

test("undo takes back one's own writing and leaves the other's alone, and redo brings it back", async ({ people }) => {
  const [ada, ben] = await people.together("Ada", "Ben");
  await ada!.app.write("Ada's words. ");
  await sameText(ada!.app, ben!.app);
  await ben!.app.write("Ben's words.");
  expect(await sameText(ada!.app, ben!.app)).toBe("Ada's words. Ben's words.");
  await ada!.app.body.focus();
  await ada!.page.keyboard.press("ControlOrMeta+z");
  expect(await sameText(ada!.app, ben!.app)).toBe("Ben's words.");
  await ada!.page.keyboard.press("ControlOrMeta+Shift+z");
  expect(await sameText(ada!.app, ben!.app)).toBe("Ada's words. Ben's words.");
});

test("undo and redo go through one's own edits step by step while another writes in the same lines", async ({ people }) => {
  const [ada, ben] = (await people.together("Ada", "Ben")) as [Person, Person];
  const [here, there] = [new Picture(ada.page), new Picture(ben.page)];
  await here.make(["one|", "end"]);
  await sameText(ada.app, ben.app);
  // Ada turns, splits and marks while Ben writes at the end of the line; each of hers is an edit of its own.
  await there.select(["one|"]);
  let bens = "";
  const benTypes = async (words: string): Promise<void> => {
    await ben.app.type(words);
    bens += words;
  };
  const withBens = (picture: string[]): string[] => [...still(picture).map((line) => line.replace("…", bens)), "end"];
  await benTypes(" b");
  const deeds: [string, string[]][] = [
    ["Mod+Alt+2", ["## one…"]],
    ["Home", ["## one…"]],
    ["Enter", ["", "## one…"]],
    ["Shift+ArrowRight", ["", "## one…"]],
    ["Mod+b", ["", "## *o*ne…"]],
    ["ArrowRight", ["", "## *o*ne…"]],
    ["Enter", ["", "## *o*", "## ne…"]],
    ["Mod+Shift+8", ["", "## *o*", "- ne…"]],
  ];
  for (const [key, after] of deeds) {
    await ada.page.keyboard.press(key.replace("Mod", "ControlOrMeta"));
    await benTypes(".");
    await expect.poll(async () => still(await here.read()), key).toEqual(withBens(after));
    await expect.poll(async () => still(await there.read()), key).toEqual(withBens(after));
  }
  const way = [["## one…"], ["", "## one…"], ["", "## *o*ne…"], ["", "## *o*", "## ne…"], ["", "## *o*", "- ne…"]];
  for (const picture of [...way].reverse().slice(1)) {
    await ada.page.keyboard.press("ControlOrMeta+z");
    await benTypes("u");
    await expect.poll(async () => still(await here.read()), "undone").toEqual(withBens(picture));
    await expect.poll(async () => still(await there.read())).toEqual(withBens(picture));
  }
  for (const picture of way.slice(1)) {
    await ada.page.keyboard.press("ControlOrMeta+Shift+z");
    await benTypes("r");
    await expect.poll(async () => still(await here.read()), "made again").toEqual(withBens(picture));
    await expect.poll(async () => still(await there.read())).toEqual(withBens(picture));
  }
});
