// Words that are composed (Japanese, dead keys, a phone's keyboard) while others write around them.

import { devices } from "@playwright/test";
import { sameText } from "../fixtures/app.ts";
import { InputMethod } from "../fixtures/input-method.ts";
import { expect, test, type Person } from "../fixtures/people.ts";
import { Picture } from "../fixtures/picture.ts";

const { defaultBrowserType: _, ...phone } = devices["Pixel 7"]!;

/** Ada and Ben on one page that reads as drawn; Ada's caret is in it. */
async function pair(people: { together(...names: [string, ...string[]]): Promise<Person[]> }, picture: string[]) {
  const [ada, ben] = (await people.together("Ada", "Ben")) as [Person, Person];
  const here = new Picture(ada.page);
  await here.make(picture);
  await sameText(ada.app, ben.app);
  return { ada, ben, here, there: new Picture(ben.page), method: await InputMethod.of(ada.page) };
}

test("while someone composes, others write before and behind the word and in other lines; nothing breaks, doubles or is lost", async ({ people }) => {
  const { ada, ben, here, there, method } = await pair(people, ["above", "we go to | today", "below"]);
  await method.compose("k");
  await method.compose("か");
  await there.select(["|above"]);
  await ben.app.type("far ");
  // What happens in other lines is seen at once.
  await expect(ada.app.body).toContainText("far above");
  await there.select(["", "|we go to  today"]);
  await ben.app.type("Then ");
  await there.select(["", "Then we go to  today|"]);
  await ben.app.type(", all of us");
  await method.compose("かわ");
  await method.compose("川");
  await there.select(["", "", "below|"]);
  await ben.app.type(" deck");
  await expect(ada.app.body).toContainText("below deck");
  expect(await ben.app.text()).not.toMatch(/[か川]|to k/);
  expect(await method.counts()).toEqual({ started: 1, ended: 0 });
  await method.commit("川");
  expect(await sameText(ada.app, ben.app)).toBe("far above\nThen we go to 川 today, all of us\nbelow deck");
  expect(await method.counts()).toEqual({ started: 1, ended: 1 });
  await ada.app.type("へ");
  await expect.poll(() => here.read()).toEqual(["far above", "Then we go to 川へ| today, all of us", "below deck"]);
});

test("two people at the same place, one composing: each word stays whole", async ({ people }) => {
  const { ada, ben, there, method } = await pair(people, ["to |"]);
  await method.compose("か");
  await there.select(["to |"]);
  await ben.app.type("sea");
  await method.compose("かわ");
  await method.commit("川");
  const text = await sameText(ada.app, ben.app);
  expect(["to 川sea", "to sea川"]).toContain(text);
});

test("a composed word is undone whole, and what others wrote meanwhile stays", async ({ people }) => {
  const { ada, ben, here, there, method } = await pair(people, ["to |", "by"]);
  for (const text of ["k", "か", "かw", "かわ", "川"]) {
    await method.compose(text);
    // Longer than what is undone together otherwise.
    await ada.page.waitForTimeout(550);
  }
  await there.select(["", "by|"]);
  await ben.app.type(" boat");
  await method.commit("川");
  expect(await sameText(ada.app, ben.app)).toBe("to 川\nby boat");
  await ada.page.keyboard.press("ControlOrMeta+z");
  expect(await sameText(ada.app, ben.app)).toBe("to \nby boat");
  await expect.poll(() => here.read()).toEqual(["to |", "by boat"]);
  await ada.page.keyboard.press("ControlOrMeta+Shift+z");
  expect(await sameText(ada.app, ben.app)).toBe("to 川\nby boat");
});

test("a line that another turns into a heading, joins or deletes keeps the word that is composed in it", async ({ people }) => {
  const { ada, ben, here, there, method } = await pair(people, ["one", "two |", "three"]);
  await method.compose("か");
  await there.select(["", "two| "]);
  await ben.page.keyboard.press("ControlOrMeta+Alt+2");
  await method.compose("かわ");
  await method.commit("川");
  await sameText(ada.app, ben.app);
  await expect.poll(() => here.read()).toEqual(["one", "## two 川|", "three"]);

  await method.compose("み");
  await there.select(["", "", "|three"]);
  await ben.page.keyboard.press("Backspace");
  await method.commit("水");
  await sameText(ada.app, ben.app);
  await expect.poll(() => here.read()).toEqual(["one", "## two 川水|three"]);

  await method.compose("は");
  await there.select(["[one", "two 川水three]"]);
  await ben.page.keyboard.press("Delete");
  await expect(ben.app.body).not.toContainText("three");
  await method.commit("橋");
  // The line went with all it held; what nobody had seen yet stands where it was.
  expect((await sameText(ada.app, ben.app)).trim()).toBe("橋");
});

test("a phone's keyboard that corrects words puts each in once, and others see whole words", async ({ people }) => {
  const ada = await people.join("Ada", phone);
  const ben = await people.join("Ben");
  await ada.app.openTree();
  const path = await ada.app.createPage();
  await ada.app.isSaved();
  await ben.app.open(path);
  await ada.app.body.tap();
  const method = await InputMethod.of(ada.page);
  for (const text of ["t", "te", "teh"]) await method.compose(text);
  await method.commit("the");
  await method.commit(" ");
  for (const text of ["r", "ri", "riv"]) await method.compose(text);
  await new Picture(ben.page).select(["|"]);
  await ben.app.type("Look: ");
  await method.compose("river");
  await method.commit("river");
  expect(await sameText(ada.app, ben.app)).toBe("Look: the river");
  // A word that stands there already is taken up again and replaced.
  await method.takeUp("stream", "Look: the ".length, "Look: the river".length);
  await method.commit("stream");
  expect(await sameText(ada.app, ben.app)).toBe("Look: the stream");
});

test("accents from dead keys and pictures from a keyboard of pictures come in once, and go in one piece", async ({ people }) => {
  const { ada, ben, here, method } = await pair(people, ["caf|"]);
  await method.compose("´");
  await method.commit("é");
  await ada.app.type(" au lait");
  expect(await sameText(ada.app, ben.app)).toBe("café au lait");
  await method.commit("👩‍🚀");
  expect(await sameText(ada.app, ben.app)).toBe("café au lait👩‍🚀");
  await ada.page.keyboard.press("Backspace");
  await expect.poll(() => here.read()).toEqual(["café au lait|"]);
});

test("a composition that is given up leaves nothing behind", async ({ people }) => {
  const { ada, ben, here, there, method } = await pair(people, ["to |"]);
  await method.compose("か");
  await there.select(["|to "]);
  await ben.app.type("back ");
  await method.compose("");
  expect(await sameText(ada.app, ben.app)).toBe("back to ");
  await expect.poll(() => here.read()).toEqual(["back to |"]);
});

test("a word that is being composed is kept when the tab goes", async ({ people }) => {
  const { ada, ben, method } = await pair(people, ["to |"]);
  await method.compose("か");
  await method.compose("かわ");
  await ada.app.reload();
  expect(await sameText(ada.app, ben.app)).toBe("to かわ");
});

test("a word that is being composed is not called saved before it is on the server, and others see it when it is whole", async ({ people }) => {
  const { ada, ben, method } = await pair(people, ["to |"]);
  await ada.app.isSaved();
  await method.compose("か");
  await expect(ada.app.chip).toHaveText("Saving…");
  await method.compose("かわ");
  await expect(ada.app.chip).toHaveText("Saving…");
  expect(await ben.app.text()).toBe("to ");
  await method.commit("川");
  expect(await sameText(ada.app, ben.app)).toBe("to 川");
  await ada.app.isSaved();
});

test("a word that is being composed is kept when the tab dies, and reaches the server with the next start", async ({ people }) => {
  const { ada, ben, method } = await pair(people, ["to |"]);
  const path = ada.app.path;
  await ada.app.isSaved();
  await ada.app.keepsItselfForOffline();
  await ada.goOffline();
  await expect(ada.app.chip).toHaveText("Offline");
  await method.compose("か");
  await method.compose("かわ");
  await ada.app.isKept();
  await ada.app.crash();
  const tab = await ada.anotherTab();
  await tab.open(path);
  await expect(tab.body).toHaveText("to かわ");
  await ada.comeBack();
  expect(await sameText(tab, ben.app)).toBe("to かわ");
  await tab.isSaved();
});
