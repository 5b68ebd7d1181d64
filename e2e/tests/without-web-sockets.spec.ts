import type { WebSockets } from "../fixtures/blocked.ts";
import { sameText } from "../fixtures/app.ts";
import { expect, test, type Person } from "../fixtures/people.ts";

/** Longest wait, in milliseconds, for a page to choose its way: it tries a hanging WebSocket for seconds. */
const CHOOSES_WITHIN_MS = 30_000;
/** Longest wait, in milliseconds, until a WebSocket was looked for again. */
const LOOKS_WITHIN_MS = 60_000;

const named = (person: Person) => person.page.getByText("Connected without WebSockets");

/** Opens or closes the panel behind the state chip. */
async function clickChip(person: Person): Promise<void> {
  await person.app.chipButton.click();
}

/** The panel says that it goes without WebSockets, in so many words. */
async function isNamed(person: Person): Promise<void> {
  await clickChip(person);
  await expect(named(person)).toBeVisible({ timeout: CHOOSES_WITHIN_MS });
  await clickChip(person);
  await expect(named(person)).toBeHidden();
}

async function isSavedInTheEnd(person: Person): Promise<void> {
  await expect(person.app.chip).toHaveText("Saved", { timeout: CHOOSES_WITHIN_MS });
}

/** Both are on one page, and Ada's network treats WebSockets like this from before she opened it. */
async function apart(people: { together(...names: [string, ...string[]]): Promise<Person[]> }, how: WebSockets): Promise<[Person, Person]> {
  const [ada, ben] = await people.together("Ada", "Ben");
  ada!.line.treatWebSockets(how);
  await ada!.app.reload();
  await expect(ada!.app.body).toBeEditable();
  return [ada!, ben!];
}

for (const how of ["refused", "hanging", "cut"] as const) {
  test(`where WebSockets are ${how}, people write together all the same, and the chip's panel says how`, async ({ people }) => {
    test.setTimeout(120_000);
    const [ada, ben] = await apart(people, how);
    await isNamed(ada);
    await ada.app.write("Written through a wall. ");
    await expect(ben.app.body).toContainText("Written through a wall.");
    await isSavedInTheEnd(ada);
    await expect(ben.app.caretOf("Ada")).toBeVisible();
    await ben.app.write("Answered over it.");
    await expect(ada.app.body).toContainText("Answered over it.");
    await expect(ada.app.caretOf("Ben")).toBeVisible();
    await expect(ada.page.getByLabel("2 people here")).toBeVisible();
    await sameText(ada.app, ben.app);
    await isSavedInTheEnd(ada);
  });
}

test("without WebSockets, what is written offline arrives, nothing is called saved too early, and who leaves is gone", async ({ people }) => {
  test.setTimeout(120_000);
  const [ada, ben] = await apart(people, "refused");
  await isNamed(ada);
  await isSavedInTheEnd(ada);
  ada.line.stall();
  await ada.app.write("into the void ");
  await expect(ada.app.chip).not.toHaveText("Saved");
  await ada.line.heal();
  await isSavedInTheEnd(ada);
  await expect(ben.app.body).toContainText("into the void");
  await ada.goOffline();
  await ada.app.write("and back");
  await expect(ada.app.chip).toHaveText(/^Offline/);
  await ada.comeBack();
  await isSavedInTheEnd(ada);
  expect(await sameText(ada.app, ben.app)).toBe("into the void and back");
  await isNamed(ada);
  await ada.app.body.focus();
  await expect(ben.app.caretOf("Ada")).toBeVisible();
  await ada.page.close();
  await expect(ben.app.caretOf("Ada")).toBeHidden({ timeout: CHOOSES_WITHIN_MS });
});

test("a page without WebSockets outlives its server, and takes a WebSocket as soon as one works", async ({ ownPeople, ownProgram }) => {
  test.setTimeout(180_000);
  const [ada, ben] = await apart(ownPeople, "refused");
  await isNamed(ada);
  await isSavedInTheEnd(ada);
  await ownProgram.kill();
  await ada.app.write("nobody hears this yet");
  await expect(ada.app.chip).toContainText(/can't reach|kept on this device/i, { timeout: CHOOSES_WITHIN_MS });
  await clickChip(ada);
  await expect(named(ada)).toBeHidden();
  await clickChip(ada);
  await ownProgram.start();
  await isSavedInTheEnd(ada);
  await expect(ben.app.body).toContainText("nobody hears this yet", { timeout: CHOOSES_WITHIN_MS });
  await isNamed(ada);
  ada.line.treatWebSockets("pass");
  await expect.poll(() => ada.line.webSocketsOpen, { timeout: LOOKS_WITHIN_MS }).toBeGreaterThan(0);
  await clickChip(ada);
  await expect(named(ada)).toBeHidden({ timeout: LOOKS_WITHIN_MS });
  await clickChip(ada);
  await ada.app.write(" and then everybody does");
  await expect(ben.app.body).toContainText("and then everybody does");
  await isSavedInTheEnd(ada);
});
