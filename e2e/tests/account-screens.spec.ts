// Every screen and dialog that has to do with accounts, on a desk and on a phone, light and dark: checked by axe, nothing
// sticks out, and a thumb hits what it should. With SHEAF_SHOTS naming a folder, a picture of each is left there.

import type { Locator, Page } from "@playwright/test";
import { Account, fillSignIn, PASSWORD } from "../fixtures/accounts.ts";
import { Looking, screens, type Device } from "../fixtures/looking.ts";
import { expect, test, type People } from "../fixtures/people.ts";
import type { Program } from "../fixtures/program.ts";

const OPENS = { timeout: 60_000 };
const TITLE = "Where we go in spring, and what each of us brings along";

const dialog = (page: Page): Locator => page.locator("dialog[open]");

for (const device of ["desktop", "phone"] as const) {
  test(`on a ${device} axe finds nothing serious on the screens before one is in, light or dark, and nothing sticks out`, async ({ ownPeople, ownProgram }) => {
    test.setTimeout(300_000);
    const looking = new Looking(device, "accounts-a-");
    await firstRun(looking, ownPeople, device);
    const owner = await Account.first(ownProgram, "Ada");
    await doors(looking, ownPeople, owner, device);
  });

  test(`on a ${device} axe finds nothing serious in settings, administration and sharing, light or dark, and nothing sticks out`, async ({ ownPeople, ownProgram }) => {
    test.setTimeout(300_000);
    const looking = new Looking(device, "accounts-b-");
    const owner = await Account.first(ownProgram, "Ada");
    const space = await fill(ownProgram, owner);
    await inside(looking, ownPeople, owner, space, device);
    await outside(looking, ownPeople, owner, space, device);
  });
}

async function firstRun(looking: Looking, people: People, device: Device): Promise<void> {
  const { page, app } = await people.join("Ada", screens[device]);
  await app.openTree();
  await page.getByRole("button", { name: "Make an account" }).click();
  await expect(dialog(page)).toBeVisible(OPENS);
  await looking.at(page, "no-account");
  await dialog(page).getByRole("link", { name: "Make the first account" }).click();
  await expect(page.getByRole("heading", { name: "Make the first account" })).toBeVisible(OPENS);
  await looking.at(page, "first-run");
  await page.getByLabel("Your name").fill("Ada");
  await page.getByLabel("Email address").fill("ada@example.org");
  await page.getByLabel("Password").fill("short");
  await page.keyboard.press("Enter");
  await expect(page.locator(".said.wrong")).toBeVisible();
  await looking.at(page, "first-run-refused");
}

async function doors(looking: Looking, people: People, owner: Account, device: Device): Promise<void> {
  const space = await owner.makeSpace("Travels");
  const { id } = await owner.ask<{ id: string }>("POST", `/api/spaces/${space}/pages`, { title: TITLE });
  const locked = await owner.ask<{ path: string }>("POST", `/api/pages/${id}/links`, { lets: "edit", below: true, password: "open sesame please" });
  const open = await owner.ask<{ path: string }>("POST", `/api/pages/${id}/links`, { lets: "view", below: false });
  const { page, line } = await people.bring("Ben", screens[device]);
  const at = async (path: string, heading: string, name: string): Promise<void> => {
    await page.goto(new URL(path, line.url).href);
    await expect(page.getByRole("heading", { name: heading })).toBeVisible(OPENS);
    await looking.at(page, name);
  };
  await at("/sign-in?to=/p/x", "Sign in", "sign-in");
  await page.getByLabel("Email address").fill("ben@example.org");
  await page.getByRole("button", { name: "I forgot my password" }).click();
  await expect(page.getByText("This Sheaf sends no letters.")).toBeVisible();
  await looking.at(page, "forgot");
  await at("/sign-in?failed=no-account", "Sign in", "sign-in-failed-elsewhere");
  await at(await owner.invitation({ id: space, role: "editor" }), "Make your account", "join");
  await at("/join/AAAA", "This link does not work", "link-of-no-use");
  await at(open.path, `“${TITLE}”`, "guest");
  await at(locked.path, "A page is shared with you", "guest-password");
  const member = await owner.invite("Ben");
  const { path } = await owner.ask<{ path: string }>("POST", `/api/admin/people/${await member.id()}/reset`, {});
  await at(path, "Choose a new password", "reset");
}

/** People, spaces and links to look at; answers the space that most are in. */
async function fill(program: Program, owner: Account): Promise<string> {
  const space = await owner.makeSpace("Travels");
  for (const [name, role] of [["Ben", "editor"], ["Cleo", "viewer"]] as const) await owner.invite(name, { id: space, role });
  const { id } = await owner.ask<{ id: string }>("POST", `/api/spaces/${space}/pages`, { title: TITLE });
  await owner.ask("POST", `/api/spaces/${space}/pages`, { title: "Boats", parent: id });
  await owner.ask("POST", `/api/pages/${id}/links`, { lets: "edit", below: true });
  await owner.ask("POST", "/api/me/tokens", { name: "Backup at home", reach: "read" });
  await owner.ask("POST", "/api/invitations", { office: "admin", email: "somebody.with.a.long.name@department.example.org" });
  const gone = await owner.makeSpace("Last year");
  await owner.ask("DELETE", `/api/spaces/${gone}`);
  const dan = await owner.invite("Dan");
  await dan.makeSpace("Dan's own");
  await owner.ask("POST", `/api/admin/people/${await dan.id()}/disable`, { keepLinks: false });
  await fetch(`${program.url}/api/sign-in`, { method: "POST", headers: { origin: program.url, "content-type": "application/json", "user-agent": "Mozilla/5.0 (iPhone) Safari/600" }, body: JSON.stringify({ email: owner.email, password: PASSWORD }) });
  return space;
}

async function inside(looking: Looking, people: People, owner: Account, space: string, device: Device): Promise<void> {
  const { page, app, line, context } = await people.bring("Ada", screens[device]);
  const at = async (path: string, row: string | RegExp, name: string): Promise<void> => {
    await page.goto(new URL(path, line.url).href);
    await expect(page.locator(".people-main").getByText(row).first()).toBeVisible(OPENS);
    await looking.at(page, name);
  };
  await page.goto(new URL("/sign-in?to=/settings", line.url).href);
  await fillSignIn(page, owner);
  await expect(page.getByRole("heading", { name: "What others see" })).toBeVisible(OPENS);
  await looking.at(page, "settings");
  await at("/settings/devices", "This browser", "settings-devices");
  await at("/settings/spaces", "Travels", "settings-spaces");
  await at("/settings/programs", "Backup at home", "settings-programs");
  await page.getByLabel("What is it for?").fill("A script");
  await page.getByRole("button", { name: "Make a token" }).click();
  await expect(page.getByLabel("Your token")).toBeVisible();
  await looking.at(page, "settings-token-made");
  await at("/admin", "Cleo", "admin");
  await page.getByRole("button", { name: "New password: Cleo" }).click();
  await page.getByRole("button", { name: "Really make a link for a new password?: Cleo" }).click();
  await expect(page.getByLabel("Send them this link.")).toBeVisible();
  await looking.at(page, "admin-reset-made");
  await at("/admin/spaces", "Last year", "admin-spaces");
  await at("/admin/log", /^Ada: /, "admin-log");
  await at("/admin/installation", "Release", "admin-installation");

  const [{ id }] = (await owner.ask<{ items: [{ id: string }] }>("GET", `/api/spaces/${space}/pages`)).items;
  await app.open(`/p/${id}`);
  await app.isSaved();
  await looking.at(page, "spaces-in-the-tree");
  await page.getByRole("button", { name: "Share" }).click();
  await expect(dialog(page)).toContainText("Links to this page", OPENS);
  await looking.at(page, "share");
  await dialog(page).getByLabel("For how long").selectOption("7");
  await dialog(page).getByLabel("Password (if you want one)").fill("open sesame please");
  await dialog(page).getByRole("button", { name: "Make a link" }).click();
  await expect(dialog(page).getByLabel("Your link")).toBeVisible();
  await looking.at(page, "share-link-made");
  await page.keyboard.press("Escape");
  await page.evaluate((space) => (window as unknown as { sheaf: { open(what: string, about: string): void } }).sheaf.open("space", space), space);
  await expect(dialog(page).getByText("Cleo")).toBeVisible();
  await looking.at(page, "members");
  await dialog(page).getByRole("button", { name: "Make an invitation" }).click();
  await expect(dialog(page).getByLabel("Send them this link.")).toBeVisible();
  await looking.at(page, "members-invited");
  await page.keyboard.press("Escape");
  await app.openTree();
  await page.getByRole("button", { name: "Ada", exact: true }).click();
  await expect(dialog(page)).toBeVisible();
  await looking.at(page, "account-menu");
  await dialog(page).getByRole("button", { name: "New space…" }).click();
  await expect(dialog(page).getByLabel("Name")).toBeFocused();
  await looking.at(page, "new-space");
  await page.keyboard.press("Escape");
  await app.open(`/p/${id}`);
  await context.setOffline(true);
  await line.cut();
  await app.write("not sent");
  await app.isKept();
  await app.openTree();
  await page.getByRole("button", { name: "Ada", exact: true }).click();
  await dialog(page).getByRole("button", { name: "Sign out…" }).click();
  await expect(dialog(page).getByText("on this device only")).toBeVisible();
  await looking.at(page, "sign-out-with-unsent-text");
}

async function outside(looking: Looking, people: People, owner: Account, space: string, device: Device): Promise<void> {
  const [{ id }] = (await owner.ask<{ items: [{ id: string }] }>("GET", `/api/spaces/${space}/pages`)).items;
  const link = await owner.ask<{ id: string; path: string }>("POST", `/api/pages/${id}/links`, { lets: "edit", below: true });
  const guest = await people.bring("Gus", screens[device]);
  await guest.page.goto(new URL(link.path, guest.line.url).href);
  await guest.page.getByLabel("What should others call you?").fill("Gus");
  await guest.page.getByRole("button", { name: "Open the page" }).click();
  await guest.app.isOpen();
  await expect(guest.page.getByRole("link", { name: "Boats" })).toBeVisible(OPENS);
  await looking.at(guest.page, "guest-page");
  await guest.goOffline();
  await guest.app.write("kept");
  await guest.app.isKept();
  await owner.ask("DELETE", `/api/links/${link.id}`);
  await guest.comeBack();
  await expect(guest.page.locator(".editor-notices")).toContainText("did not reach the server", OPENS);
  await looking.at(guest.page, "access-taken-back");

  const cleo = await people.bring("Cleo", screens[device]);
  await cleo.page.goto(new URL(`/sign-in?to=/p/${id}`, cleo.line.url).href);
  const viewer = await owner.invite("Eve", { id: space, role: "viewer" });
  await fillSignIn(cleo.page, viewer);
  await cleo.app.isOpen();
  await expect(cleo.page.locator(".editor-notices")).toContainText("You can read this page, but not change it", OPENS);
  await looking.at(cleo.page, "read-only");
  await cleo.page.goto(new URL("/admin", cleo.line.url).href);
  await expect(cleo.page.getByRole("heading", { name: "This is for admins" })).toBeVisible(OPENS);
  await looking.at(cleo.page, "admin-for-others");
  await cleo.app.open(`/p/${id}`);
  await viewer.ask("DELETE", "/api/me/sessions");
  await expect(dialog(cleo.page)).toContainText("Your session has ended", OPENS);
  await looking.at(cleo.page, "signed-out");
}
