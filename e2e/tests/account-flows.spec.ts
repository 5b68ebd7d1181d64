// What people do with accounts once they are in: their settings, looking after others, sharing with those who have none.

import { readFile } from "node:fs/promises";
import type { Locator, Page } from "@playwright/test";
import { Account, fillSignIn, left, PASSWORD, signIn } from "../fixtures/accounts.ts";
import { onlyInChromium } from "../fixtures/devtools.ts";
import { expect, test, type Person } from "../fixtures/people.ts";

const OPENS = { timeout: 60_000 };

const dialog = (page: Page): Locator => page.locator("dialog[open]");
const go = (person: Person, path: string) => person.page.goto(new URL(path, person.line.url).href);

/** `account` signs in and lands at `path`, a screen beside the app. */
async function comesTo(person: Person, account: Account, path: string): Promise<void> {
  await go(person, `/sign-in?to=${encodeURIComponent(path)}`);
  await fillSignIn(person.page, account);
  await expect(person.page).toHaveURL(new URL(path, person.line.url).href, OPENS);
}

/** Presses a button that asks once more, both times. */
async function surely(scope: Page | Locator, label: string, sure: string, about: string): Promise<void> {
  await scope.getByRole("button", { name: `${label}: ${about}` }).click();
  await scope.getByRole("button", { name: `${sure}: ${about}` }).click();
}

test("a new name and colour are seen by others, and a new password ends all other sessions", async ({ ownPeople, ownProgram }) => {
  test.setTimeout(180_000);
  const owner = await Account.first(ownProgram, "Ada");
  const [desk, sofa] = [await signIn(ownPeople, owner), await ownPeople.bring("Ada on the sofa")];
  await comesTo(sofa, owner, "/settings");
  await sofa.page.getByLabel("Your name").fill("Ada Lind");
  await sofa.page.getByRole("radio", { name: "Rose" }).check();
  await sofa.page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(sofa.page.getByText("Saved.")).toBeVisible();
  expect(await owner.ask("GET", "/api/me")).toMatchObject({ name: "Ada Lind", colour: "#b0446b" });
  await desk.app.reload();
  await expect(desk.page.getByRole("button", { name: "Ada Lind", exact: true })).toBeVisible();

  await sofa.page.getByLabel("The present one").fill("not my password");
  await sofa.page.getByLabel("The new one").fill("ten grey herons");
  await sofa.page.getByRole("button", { name: "Change password" }).click();
  await expect(sofa.page.locator(".said.wrong")).toBeVisible();
  await sofa.page.getByLabel("The present one").fill(PASSWORD);
  await sofa.page.getByRole("button", { name: "Change password" }).click();
  await expect(sofa.page.getByText("Your password is changed. All other browsers are signed out.")).toBeVisible();
  await expect(dialog(desk.page)).toContainText("Your session has ended", OPENS);
  await go(sofa, "/settings/devices");
  await expect(sofa.page.locator(".rows > li")).toHaveCount(1, OPENS);
});

test("one sees where one is signed in, and signs out a browser that is elsewhere", async ({ ownPeople, ownProgram }) => {
  const owner = await Account.first(ownProgram, "Ada");
  const desk = await signIn(ownPeople, owner);
  const sofa = await ownPeople.bring("Ada on the sofa");
  await comesTo(sofa, owner, "/settings/devices");
  // The third is the one by which the account was made.
  await expect(sofa.page.locator(".rows > li")).toHaveCount(3, OPENS);
  await expect(sofa.page.locator(".rows > li", { hasText: "This browser" })).toHaveCount(1);
  await surely(sofa.page, "Sign out everywhere else", "Really sign out everywhere else?", "All other browsers");
  await expect(sofa.page.getByText("All other browsers are signed out.")).toBeVisible();
  await expect(sofa.page.locator(".rows > li")).toHaveCount(1);
  await expect(dialog(desk.page)).toContainText("Your session has ended", OPENS);
  await dialog(desk.page).getByRole("link", { name: "Sign in again" }).click();
  await fillSignIn(desk.page, owner);
  await desk.app.isOpen();
});

test("an admin invites, puts out, lets in again and deletes, and all of it is in the record", async ({ ownPeople, ownProgram }) => {
  test.setTimeout(180_000);
  const owner = await Account.first(ownProgram, "Ada");
  const ada = await ownPeople.bring("Ada");
  await comesTo(ada, owner, "/admin");
  await ada.page.getByLabel("Email address (if you know it)").fill("ben@example.org");
  await ada.page.getByRole("button", { name: "Make an invitation" }).click();
  const link = await ada.page.getByLabel("Send them this link.").inputValue();
  await expect(ada.page.locator(".rows > li", { hasText: "ben@example.org" })).toHaveCount(1);

  const ben = await ownPeople.bring("Ben");
  await go(ben, new URL(link).pathname);
  await expect(ben.page.getByLabel("Email address")).toHaveValue("ben@example.org", OPENS);
  await ben.page.getByLabel("Your name").fill("Ben");
  await ben.page.getByLabel("Password").fill(PASSWORD);
  await ben.page.getByRole("button", { name: "Join" }).click();
  await ben.app.isOpen();
  await go(ben, "/admin");
  await expect(ben.page.getByRole("heading", { name: "This is for admins" })).toBeVisible(OPENS);
  await ben.app.open("/");

  await ada.page.reload();
  const row = ada.page.locator(".rows > li", { hasText: "ben@example.org" });
  await expect(row).toBeVisible(OPENS);
  await surely(row, "Put out", "Really put out, with the links they made?", "Ben");
  await expect(row).toContainText("out of use");
  await expect(dialog(ben.page)).toContainText("Your session has ended", OPENS);
  await go(ben, "/sign-in");
  await ben.page.getByLabel("Email address").fill("ben@example.org");
  await ben.page.getByLabel("Password").fill(PASSWORD);
  await ben.page.getByRole("button", { name: "Sign in" }).click();
  await expect(ben.page.locator(".said.wrong")).toBeVisible();
  await surely(row, "Let in again", "Really let in again?", "Ben");
  await expect(row).not.toContainText("out of use");
  await ben.page.getByRole("button", { name: "Sign in" }).click();
  await ben.app.isOpen();
  await surely(row, "Delete", "Really delete the account?", "Ben");
  await expect(row).toHaveCount(0);

  await ada.page.getByRole("link", { name: "What was done" }).click();
  await expect(ada.page.locator(".rows > li").nth(5)).toBeVisible();
  onlyInChromium(ada.page, "hear of a download");
  const saving = ada.page.waitForEvent("download");
  await ada.page.getByRole("link", { name: "Download all of it" }).click();
  const saved = await saving;
  expect(saved.suggestedFilename()).toBe("sheaf-audit.json");
  const record = JSON.stringify(JSON.parse(await readFile(await saved.path(), "utf8")));
  for (const deed of ["disabled", "enabled", "deleted"]) expect(record).toContain(deed);
  expect(record).not.toContain(PASSWORD);
});

test("a deleted space is brought back, and one that nobody decides about is given to somebody", async ({ ownPeople, ownProgram }) => {
  const owner = await Account.first(ownProgram, "Ada");
  const ben = await owner.invite("Ben");
  const space = await ben.makeSpace("Ben's plans");
  const gone = await owner.makeSpace("Thrown away");
  await owner.ask("DELETE", `/api/spaces/${gone}`);
  await owner.ask("POST", `/api/admin/people/${await ben.id()}/disable`, { keepLinks: false });
  const ada = await ownPeople.bring("Ada");
  await comesTo(ada, owner, "/admin/spaces");
  const row = (name: string): Locator => ada.page.locator(".rows > li", { hasText: name });
  await expect(row("Thrown away")).toContainText("deleted on", OPENS);
  await surely(ada.page, "Bring back", "Really bring back?", "Thrown away");
  await expect(row("Thrown away")).not.toContainText("deleted on");
  await expect(row("Ben's plans")).toContainText("nobody decides about it any more");
  await row("Ben's plans").getByLabel("Give it to").selectOption({ label: "Ada" });
  await row("Ben's plans").getByRole("button", { name: "Give" }).click();
  await expect(row("Ben's plans")).not.toContainText("nobody decides");
  const { spaces } = await owner.ask<{ spaces: { id: string; role: string }[] }>("GET", "/api/me");
  expect(spaces.filter(({ id }) => id === space || id === gone).map(({ role }) => role)).toEqual(["owner", "owner"]);
});

test("a guest of a page and what lies inside it walks through all of that, and nothing beside it", async ({ ownPeople, ownProgram }) => {
  const owner = await Account.first(ownProgram, "Ada");
  const space = await owner.makeSpace("Travels");
  const page = async (title: string, parent?: string) => (await owner.ask<{ id: string }>("POST", `/api/spaces/${space}/pages`, { title, markdown: `of ${title}`, ...(parent === undefined ? {} : { parent }) })).id;
  const spring = await page("Spring");
  const boats = await page("Boats", spring);
  const secret = await page("Secret");
  const { path } = await owner.ask<{ path: string }>("POST", `/api/pages/${spring}/links`, { lets: "edit", below: true });
  const gus = await ownPeople.bring("Gus");
  await go(gus, path);
  await gus.page.getByLabel("What should others call you?").fill("Gus");
  await gus.page.getByRole("button", { name: "Open the page" }).click();
  await gus.app.isOpen();
  await expect(gus.app.body).toContainText("of Spring");
  await gus.page.getByRole("link", { name: "Boats" }).click();
  await expect(gus.app.body).toContainText("of Boats", OPENS);
  expect(gus.app.path).toBe(`/p/${boats}`);
  await gus.app.write(", by a guest");
  await gus.app.isSaved();
  const content = await owner.fetch(`/api/pages/${boats}/content?as=md`);
  expect(await content.text()).toContain("by a guest");
  await go(gus, `/p/${secret}`);
  await gus.app.isOpen();
  await expect(gus.page.getByText("of Secret")).toHaveCount(0);
  await expect(gus.page.getByRole("main")).not.toContainText("Secret");
});

test("whoever signs out with text that was not sent is told, may stay, and loses it only if they say so", async ({ ownPeople, ownProgram }) => {
  test.setTimeout(180_000);
  const owner = await Account.first(ownProgram, "Ada");
  const ada = await signIn(ownPeople, owner);
  await ada.app.title.fill("At sea");
  await ada.app.write("one");
  await ada.app.isSaved();
  await ada.goOffline();
  await ada.app.write(" two");
  await ada.app.isKept();
  const signsOut = async (): Promise<void> => {
    await ada.page.getByRole("button", { name: "Ada", exact: true }).click();
    await dialog(ada.page).getByRole("button", { name: "Sign out…" }).click();
  };
  await signsOut();
  await expect(dialog(ada.page).getByText("on this device only, and would be lost")).toBeVisible();
  // Without the server nobody can be signed out; nothing is lost by trying.
  await dialog(ada.page).getByRole("button", { name: "Sign out and lose them" }).click();
  await expect(dialog(ada.page).locator(".said.wrong").last()).toContainText("can't be reached");
  await dialog(ada.page).getByRole("button", { name: "Stay signed in" }).click();
  await expect(ada.app.body).toContainText("one two");
  await ada.comeBack();
  await ada.app.isSaved();
  await signsOut();
  await expect(dialog(ada.page)).toContainText("Your pages stay on the server");
  await expect(dialog(ada.page).getByText("would be lost")).toBeHidden();
  await dialog(ada.page).getByRole("button", { name: "Sign out", exact: true }).click();
  await expect(ada.page.getByRole("heading", { name: "Sign in" })).toBeVisible(OPENS);
  const id = await owner.id();
  await expect.poll(async () => (await left(ada.page)).filter((kept) => kept.includes(id))).toEqual([]);
});

test("without a mouse one makes the first account, shares a page, invites somebody and changes one's colour", async ({ ownPeople }) => {
  test.setTimeout(180_000);
  const ada = await ownPeople.join("Ada");
  const { page, app } = ada;
  const press = async (target: Locator, key = "Enter"): Promise<void> => {
    await app.tabTo(target);
    await page.keyboard.press(key);
  };
  await press(page.getByRole("button", { name: "Make an account" }));
  await expect(dialog(page)).toBeVisible(OPENS);
  await press(dialog(page).getByRole("link", { name: "Make the first account" }));
  await expect(page.getByLabel("Your name")).toBeFocused(OPENS);
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("Ada");
  await page.keyboard.press("Tab");
  await page.keyboard.type("ada@example.org");
  await page.keyboard.press("Tab");
  await expect(page.getByLabel("Password")).toBeFocused();
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  await app.isOpen();
  await expect(app.title).toBeVisible();

  const share = page.getByRole("button", { name: "Share", exact: true });
  await press(share);
  await expect(page.getByRole("dialog", { name: /^Share “/ })).toBeVisible(OPENS);
  // The lists are walked through by the arrow keys, and what is chosen is said.
  await app.tabTo(dialog(page).getByRole("combobox", { name: "Who has the link" }));
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await expect(dialog(page).getByRole("status").filter({ hasText: "can read and change" })).toBeVisible();
  await press(dialog(page).getByRole("checkbox", { name: "Also the pages inside it" }), "Space");
  await expect(dialog(page).getByRole("status").filter({ hasText: "and the pages inside it" })).toBeVisible();
  await press(dialog(page).getByRole("button", { name: "Make a link" }));
  await expect(dialog(page).getByRole("textbox", { name: /^Your link/ })).toHaveValue(/\/s\//);
  await page.keyboard.press("Escape");
  await expect(dialog(page)).toHaveCount(0);
  await expect(share).toBeFocused();

  await press(page.getByRole("button", { name: "Ada", exact: true }));
  await press(dialog(page).getByRole("link", { name: "People and installation" }));
  await expect(page.getByRole("heading", { name: "Invite somebody" })).toBeVisible(OPENS);
  await press(page.getByRole("button", { name: "Make an invitation" }));
  await expect(page.getByRole("textbox", { name: /^Send them this link/ })).toHaveValue(/\/join\//);

  await press(page.getByRole("link", { name: "Back to your pages" }));
  await app.isOpen();
  await press(page.getByRole("button", { name: "Ada", exact: true }));
  await press(dialog(page).getByRole("link", { name: "Your settings" }));
  await expect(page.getByRole("group", { name: "Your colour" })).toBeVisible(OPENS);
  const rose = page.getByRole("radio", { name: "Rose" });
  // Among radios the arrow keys walk; Tab leads to the one that is chosen.
  await app.tabTo(page.getByRole("textbox", { name: "Your name" }));
  await page.keyboard.press("Tab");
  for (let steps = 0; steps < 8 && !(await rose.isChecked()); steps += 1) await page.keyboard.press("ArrowRight");
  await expect(rose).toBeChecked();
  await press(page.getByRole("button", { name: "Save", exact: true }));
  await expect(page.getByRole("status").filter({ hasText: "Saved." })).toBeVisible();
});
