// Accounts in the browser: coming in, sharing, being put out, and what stays on a device.

import type { Page } from "@playwright/test";
import { Account, fillSignIn, left, PASSWORD, signIn } from "../fixtures/accounts.ts";
import { seriousFindings } from "../fixtures/axe.ts";
import { expect, test } from "../fixtures/people.ts";

const OPENS = { timeout: 60_000 };

const dialog = (page: Page) => page.locator("dialog[open]");

test("whoever opens a new Sheaf makes the first account on one screen, and what was written before stays", async ({ ownPeople, ownProgram }) => {
  const ada = await ownPeople.join("Ada");
  await ada.app.createPage("Before accounts");
  await ada.app.write("written by nobody in particular");
  await ada.app.isSaved();
  await ada.page.getByRole("button", { name: "Make an account" }).click();
  expect(await seriousFindings(ada.page)).toEqual([]);
  await dialog(ada.page).getByRole("link", { name: "Make the first account" }).click();
  await expect(ada.page.getByRole("heading", { name: "Make the first account" })).toBeVisible(OPENS);
  await expect(ada.page.getByLabel("Your name")).toBeFocused();
  expect(await seriousFindings(ada.page)).toEqual([]);
  await ada.page.getByLabel("Your name").fill("Ada");
  await ada.page.getByLabel("Email address").fill("ada@example.org");
  await ada.page.getByLabel("Password").fill("short");
  await ada.page.keyboard.press("Enter");
  await expect(ada.page.getByText("A password needs at least 10 characters")).toBeVisible();
  await ada.page.getByLabel("Password").fill(PASSWORD);
  await ada.page.keyboard.press("Enter");
  await ada.app.isOpen();
  await expect(ada.app.entry("Before accounts")).toBeVisible();
  await ada.app.entry("Before accounts").click();
  await expect(ada.app.body).toContainText("written by nobody in particular");
  await ada.app.write(", and by Ada");
  await ada.app.isSaved();

  // Somebody else is asked who they are, and sees nothing before that.
  const stranger = await ownPeople.bring("Stranger");
  await stranger.page.goto(new URL(ada.app.path, stranger.line.url).href);
  await expect(stranger.page.getByRole("heading", { name: "Sign in" })).toBeVisible(OPENS);
  expect(await seriousFindings(stranger.page)).toEqual([]);
  expect(await (await fetch(`${ownProgram.url}/api/me`)).json()).toMatchObject({ as: "nobody", founded: true });
});

test("whoever is invited joins on one screen and lands in a page with the caret in it", async ({ ownPeople, ownProgram }) => {
  const owner = await Account.first(ownProgram, "Ada");
  const path = await owner.invitation();
  const ben = await ownPeople.bring("Ben");
  await ben.page.goto(new URL(path, ben.line.url).href);
  await expect(ben.page.getByText("Ada invites you")).toBeVisible(OPENS);
  expect(await seriousFindings(ben.page)).toEqual([]);
  await ben.page.getByLabel("Your name").fill("Ben");
  await ben.page.getByLabel("Email address").fill("ben@example.org");
  await ben.page.getByLabel("Password").fill(PASSWORD);
  await ben.page.keyboard.press("Enter");
  await ben.app.isOpen();
  await expect(ben.app.title).toBeFocused();
  await ben.page.keyboard.type("First thoughts");
  await ben.page.keyboard.press("Enter");
  await ben.app.type("of Ben");
  await ben.app.isSaved();
  await expect(ben.page.getByRole("textbox", { name: "What should others call you?" })).toBeHidden();

  // It works once.
  const late = await ownPeople.bring("Late");
  await late.page.goto(new URL(path, late.line.url).href);
  await expect(late.page.getByRole("heading", { name: "This link does not work" })).toBeVisible(OPENS);
});

test("a guest opens a shared page by its link in another browser, and is cut off with a copy when it is taken back", async ({ ownPeople, ownProgram }) => {
  const owner = await Account.first(ownProgram, "Ada");
  const ada = await signIn(ownPeople, owner);
  await expect(ada.app.title).toBeFocused();
  await ada.app.title.fill("Plan");
  await ada.app.write("one");
  await ada.app.isSaved();
  await ada.page.getByRole("button", { name: "Share" }).click();
  await expect(dialog(ada.page)).toContainText("Anyone with the link can read “Plan”, without an account.");
  await dialog(ada.page).getByLabel("Who has the link").selectOption("edit");
  await expect(dialog(ada.page)).toContainText("Anyone with the link can read and change “Plan”");
  expect(await seriousFindings(ada.page)).toEqual([]);
  await dialog(ada.page).getByRole("button", { name: "Make a link" }).click();
  const link = await dialog(ada.page).getByLabel("Your link").inputValue();

  const guest = await ownPeople.bring("Guest");
  await guest.page.goto(new URL(new URL(link).pathname, guest.line.url).href);
  await expect(guest.page.getByRole("heading", { name: "“Plan”" })).toBeVisible(OPENS);
  expect(await seriousFindings(guest.page)).toEqual([]);
  await guest.page.getByLabel("What should others call you?").fill("Gus");
  await guest.page.getByRole("button", { name: "Open the page" }).click();
  await guest.app.isOpen();
  await expect(guest.app.body).toContainText("one");
  await expect(guest.app.tree).toBeHidden();
  await guest.app.write(" two");
  await guest.app.isSaved();
  await expect(ada.app.body).toContainText("one two");

  await guest.goOffline();
  await guest.app.write(" three");
  await guest.app.isKept();
  await dialog(ada.page).getByRole("button", { name: /^Take back/ }).click();
  await dialog(ada.page).getByRole("button", { name: /^Really take back/ }).click();
  await expect(dialog(ada.page).getByRole("button", { name: /^Take back/ })).toBeHidden();
  await guest.comeBack();
  await expect(guest.page.locator(".editor-notices")).toContainText("did not reach the server", OPENS);
  await expect(guest.page.locator(".editor-notices").getByRole("button", { name: "Download my copy" })).toBeVisible();
  await expect(guest.app.body).toContainText("one two three");
  await expect(ada.app.body).not.toContainText("three");
});

test("who may only read from now on goes on reading, and is offered what was refused as a copy", async ({ ownPeople, ownProgram }) => {
  const owner = await Account.first(ownProgram, "Ada");
  const space = await owner.makeSpace("Team");
  const member = await owner.invite("Ben", { id: space, role: "editor" });
  const ben = await signIn(ownPeople, member);
  await ben.page.getByRole("button", { name: "New page in Team" }).click();
  await ben.app.title.fill("Ours");
  await ben.app.write("one");
  await ben.app.isSaved();
  await ben.goOffline();
  await ben.app.write(" two");
  await ben.app.isKept();
  await owner.ask("PUT", `/api/spaces/${space}/members/${await member.id()}`, { role: "viewer" });
  await ben.comeBack();
  const bar = ben.page.locator(".editor-notices");
  await expect(bar).toContainText("You can read this page, but not change it", OPENS);
  await expect(bar).toContainText("did not reach the server");
  await expect(bar.getByRole("button", { name: "Download my copy" })).toBeVisible();
  await expect(ben.app.body).toHaveAttribute("contenteditable", "false");
  await expect(ben.app.body).toContainText("one two");
});

test("signing out leaves nothing of a person on the device, and the next one sees nothing of them", async ({ ownPeople, ownProgram }) => {
  const owner = await Account.first(ownProgram, "Ada");
  const other = await owner.invite("Ben");
  const ada = await signIn(ownPeople, owner);
  await ada.app.title.fill("Secret of Ada");
  await ada.app.write("nobody's business");
  await ada.app.isSaved();
  const id = await owner.id();
  await expect.poll(async () => left(ada.page)).toContain(`sheaf-${id}`);
  const tab = await ada.anotherTab();
  await tab.open("/");
  await ada.page.getByRole("button", { name: "Ada", exact: true }).click();
  await dialog(ada.page).getByRole("button", { name: "Sign out…" }).click();
  await dialog(ada.page).getByRole("button", { name: "Sign out", exact: true }).click();
  await expect(ada.page.getByRole("heading", { name: "Sign in" })).toBeVisible(OPENS);
  // The other tab of the same browser is out as well.
  await expect(tab.page.getByRole("heading", { name: "Sign in" })).toBeVisible(OPENS);
  await expect.poll(async () => (await left(ada.page)).filter((kept) => kept.includes(id))).toEqual([]);
  await fillSignIn(ada.page, other);
  await ada.app.isOpen();
  await ada.app.isSaved();
  await expect(ada.app.entry("Secret of Ada")).toHaveCount(0);
  expect((await left(ada.page)).join(" ")).not.toContain(id);
});

test("who has signed in opens their pages without a network, and writes on", async ({ ownPeople, ownProgram }) => {
  const owner = await Account.first(ownProgram, "Ada");
  const ada = await signIn(ownPeople, owner);
  await ada.app.title.fill("At sea");
  await ada.app.write("one");
  await ada.app.isSaved();
  await ada.app.keepsItselfForOffline();
  await ada.goOffline();
  await ada.app.reload();
  await expect(ada.app.body).toContainText("one");
  await expect(ada.page.getByRole("button", { name: "Ada", exact: true })).toBeVisible();
  await ada.app.write(" two");
  await ada.app.isKept();
  await ada.comeBack();
  await ada.app.isSaved();
});
