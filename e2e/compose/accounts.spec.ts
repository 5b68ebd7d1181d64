// From the first visitor to somebody who is put out, on two servers of which one is killed in between.

import type { Page } from "@playwright/test";
import { Account, PASSWORD } from "../fixtures/accounts.ts";
import { kill, operate, sockets, start } from "../fixtures/containers.ts";
import { expect, test, type Person } from "../fixtures/people.ts";

const OPENS = { timeout: 60_000 };
const SERVERS = ["sheaf-1", "sheaf-2"] as const;

const notices = (person: Person) => person.page.locator(".editor-notices");

/** Fills in what makes an account, on the screen that is shown. */
async function makeAccount(page: Page, name: string): Promise<void> {
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("Email address").fill(`${name.toLowerCase()}@example.org`);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.keyboard.press("Enter");
}

/** Comes in by a share link, as a guest. */
async function enter(guest: Person, path: string, name: string): Promise<void> {
  await guest.page.goto(new URL(path, guest.line.url).href);
  await guest.page.getByLabel("What should others call you?").fill(name);
  await guest.page.getByRole("button", { name: "Open the page" }).click();
  await guest.app.isOpen();
  await expect(guest.app.body).toBeEditable();
}

test("the first visitor owns a new installation, a team writes on while a server is killed, and who is put out is out on both", async ({ people, program }) => {
  test.setTimeout(300_000);
  const ada = await people.bring("Ada");
  await ada.page.goto(ada.line.url);
  await expect(ada.page.getByRole("heading", { name: "Make the first account" })).toBeVisible(OPENS);
  // From other machines nobody comes, so nothing but this is asked for.
  await expect(ada.page.getByLabel("Set-up code")).toHaveCount(0);
  await makeAccount(ada.page, "Ada");
  await ada.app.isOpen();
  await expect(ada.app.title).toBeFocused();
  for (const cookie of await ada.context.cookies()) {
    expect(cookie, cookie.name).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/" });
  }

  const owner = await Account.signedIn(program, "Ada");
  const space = await owner.makeSpace("Team");
  const ben = await people.bring("Ben");
  await ben.page.goto(new URL(await owner.invitation({ id: space, role: "editor" }), ben.line.url).href);
  await expect(ben.page.getByText("Ada invites you")).toBeVisible(OPENS);
  await makeAccount(ben.page, "Ben");
  await ben.app.isOpen();
  await ben.page.getByRole("button", { name: "New page in Team" }).click();
  await ben.app.title.fill("Ours");
  await ben.app.write("a: \nb: ");
  await ben.app.isSaved();
  await ada.app.open(ben.app.path);
  await expect(ada.app.body).toContainText("b:");

  await ada.page.keyboard.press("ControlOrMeta+Home");
  await ada.app.body.focus();
  await ada.page.keyboard.press("ControlOrMeta+Home");
  await ada.page.keyboard.press("End");
  await ben.app.body.focus();
  await ben.page.keyboard.press("ControlOrMeta+End");
  const [hers, his] = ["the quick brown fox".repeat(5), "five dozen liquor jugs".repeat(5)];
  await Promise.all([ada.page.keyboard.type(hers, { delay: 40 }), ben.page.keyboard.type(his, { delay: 40 }), kill("sheaf-2")]);
  for (const { app } of [ada, ben]) {
    await expect(app.body).toContainText(`a: ${hers}`, OPENS);
    await expect(app.body).toContainText(`b: ${his}`, OPENS);
    await app.isSaved();
  }

  // One guest at each server.
  const page = ben.app.path.slice(-22);
  const link = await owner.ask<{ id: string; path: string }>("POST", `/api/pages/${page}/links`, { lets: "edit", below: false });
  const guests: Person[] = [];
  const first = await people.bring("First guest");
  await enter(first, link.path, "Gil");
  guests.push(first);
  await start("sheaf-2");
  await expect
    .poll(async () => {
      const next = await people.bring("Next guest");
      await enter(next, link.path, "Guy");
      guests.push(next);
      return Math.min(...(await Promise.all(SERVERS.map(sockets))));
    }, { timeout: 120_000, intervals: [2_000] })
    .toBeGreaterThan(0);
  await owner.ask("DELETE", `/api/links/${link.id}`);
  for (const guest of guests) await expect(notices(guest)).toContainText("You are signed out here", OPENS);
  await ada.app.write(" and nobody else's");
  await expect(ben.app.body).toContainText("and nobody else's");
  for (const guest of guests) await expect(guest.app.body).not.toContainText("and nobody else's");

  // Told by the command line, without any server.
  await operate("user", "disable", "ben@example.org");
  await expect(notices(ben)).toContainText("You are signed out here", OPENS);
});
