// Ways in beside a password that one knows: an account elsewhere, and setting another password.

import { Account, fillSignIn, PASSWORD } from "../fixtures/accounts.ts";
import { seriousFindings } from "../fixtures/axe.ts";
import { Letterbox } from "../fixtures/letterbox.ts";
import { expect, People, profilesOf, test, type Person } from "../fixtures/people.ts";
import { freePort, Program } from "../fixtures/program.ts";
import { Provider } from "../fixtures/provider.ts";

const OPENS = { timeout: 60_000 };
const OTHER_PASSWORD = "ten grey herons";

/** The address in a letter, and of what a provider sends back to, is the server's own: these people have no line of their own. */
const go = (person: Person, program: Program, path: string) => person.page.goto(new URL(path, program.url).href);

test("with an account elsewhere one comes in by a click, and lands where one wanted to go", async ({ browser }) => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const provider = await Provider.for(url);
  const program = await Program.at(port, ["--public-url", url, ...provider.flags, "--oidc-anyone"]);
  const people = new People(profilesOf(browser), program);
  await Account.first(program, "Mara");
  const cem = await people.bring("Cem");
  await provider.isNow("bob");
  await go(cem, program, "/settings/devices");
  await expect(cem.page.getByText("Sign in to open that page.")).toBeVisible(OPENS);
  expect(await seriousFindings(cem.page)).toEqual([]);
  await cem.page.getByRole("link", { name: "Sign in with The House" }).click();
  // Nobody vouches for Bob's address.
  await expect(cem.page.getByText("Nobody here has an account with the verified address of that one.")).toBeVisible(OPENS);
  await cem.context.clearCookies();
  await provider.isNow("cem");
  await go(cem, program, "/settings/devices");
  await cem.page.getByRole("link", { name: "Sign in with The House" }).click();
  await expect(cem.page).toHaveURL(new URL("/settings/devices", url).href, OPENS);
  await expect(cem.page.getByRole("listitem")).toContainText("This browser");
  await go(cem, program, "/");
  await cem.app.isOpen();
  await expect(cem.page.getByRole("button", { name: "Cem", exact: true })).toBeVisible();
  await people.dispose();
  await program.dispose();
  await provider.dispose();
});

test("whose address nobody has confirmed shows the password once, and comes in by a click from then on", async ({ browser }) => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const provider = await Provider.for(url);
  const program = await Program.at(port, ["--public-url", url, ...provider.flags]);
  const people = new People(profilesOf(browser), program);
  const owner = await Account.first(program, "Mara");
  const account = await owner.invite("Cem");
  const cem = await people.bring("Cem");
  await provider.isNow("cem");
  await go(cem, program, "/sign-in");
  await cem.page.getByRole("link", { name: "Sign in with The House" }).click();
  await expect(cem.page.locator(".lead")).toContainText("nobody has confirmed yet that the address is yours", OPENS);
  expect(await seriousFindings(cem.page)).toEqual([]);
  await fillSignIn(cem.page, account);
  await cem.app.isOpen();
  const again = await people.bring("Cem again");
  await go(again, program, "/sign-in");
  await again.page.getByRole("link", { name: "Sign in with The House" }).click();
  await again.app.isOpen();
  await people.dispose();
  await program.dispose();
  await provider.dispose();
});

test("who came back from elsewhere without being let in reads why, for each reason", async ({ ownPeople, ownProgram }) => {
  await Account.first(ownProgram, "Ada");
  const ben = await ownPeople.bring("Ben");
  const reasons = { provider: "could not be asked", late: "took too long", declined: "you said no", "no-account": "Ask whoever looks after this Sheaf", unconfirmed: "nobody has confirmed", closed: "out of use", "try-again": "could not be done just now" };
  for (const [word, says] of Object.entries(reasons)) {
    await ben.page.goto(new URL(`/sign-in?failed=${word}`, ben.line.url).href);
    await expect(ben.page.locator(".lead"), word).toContainText(says, OPENS);
  }
});

test("without mail a forgotten password leads to an admin, whose link sets another one", async ({ ownPeople, ownProgram }) => {
  const owner = await Account.first(ownProgram, "Ada");
  const member = await owner.invite("Ben");
  const ben = await ownPeople.bring("Ben");
  await ben.page.goto(new URL("/sign-in", ben.line.url).href);
  await ben.page.getByLabel("Email address").fill(member.email);
  await ben.page.getByRole("button", { name: "I forgot my password" }).click();
  await expect(ben.page.getByText("This Sheaf sends no letters. Ask whoever looks after it")).toBeVisible(OPENS);

  const ada = await ownPeople.bring("Ada");
  await ada.page.goto(new URL("/sign-in?to=/admin", ada.line.url).href);
  await fillSignIn(ada.page, owner);
  await ada.page.getByRole("button", { name: "New password: Ben" }).click(OPENS);
  await ada.page.getByRole("button", { name: "Really make a link for a new password?: Ben" }).click();
  const link = await ada.page.getByLabel("Send them this link.").inputValue();
  await setsPassword(ben, new URL(new URL(link).pathname, ben.line.url).href, member.email);
  // It works once, and the password from before not at all.
  await ada.page.goto(new URL(new URL(link).pathname, ada.line.url).href);
  await expect(ada.page.getByRole("heading", { name: "This link does not work" })).toBeVisible(OPENS);
  await expect(member.ask("POST", "/api/sign-in", { email: member.email, password: PASSWORD })).rejects.toThrow("wrong-password");
  await member.ask("POST", "/api/sign-in", { email: member.email, password: OTHER_PASSWORD });
});

test("with mail a forgotten password is replaced by a letter, and nobody learns who has an account", async ({ browser }) => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const letterbox = await Letterbox.open();
  const program = await Program.at(port, ["--public-url", url, "--smtp-url", letterbox.url, "--mail-from", "sheaf@example.org"]);
  const people = new People(profilesOf(browser), program);
  const owner = await Account.first(program, "Ada");
  const member = await owner.invite("Ben");
  const ben = await people.bring("Ben");
  const sent = "If there is an account with this address, a letter with a link is on its way to it.";
  for (const email of ["nobody@example.org", member.email]) {
    await go(ben, program, "/sign-in");
    await ben.page.getByLabel("Email address").fill(email);
    await ben.page.getByRole("button", { name: "I forgot my password" }).click(OPENS);
    await expect(ben.page.getByText(sent)).toBeVisible();
  }
  const path = await letterbox.pathFor(member.email);
  expect(letterbox.letters).toEqual([]);
  await setsPassword(ben, new URL(path, url).href, member.email);

  // An invitation by letter leads to a form with the address filled in.
  await owner.ask("POST", "/api/invitations", { office: "member", email: "cleo@example.org" });
  const cleo = await people.bring("Cleo");
  await go(cleo, program, await letterbox.pathFor("cleo@example.org"));
  await expect(cleo.page.getByLabel("Email address")).toHaveValue("cleo@example.org", OPENS);
  await cleo.page.getByLabel("Your name").fill("Cleo");
  await cleo.page.getByLabel("Password").fill(PASSWORD);
  await cleo.page.getByRole("button", { name: "Join" }).click();
  await cleo.app.isOpen();
  await people.dispose();
  await program.dispose();
  await letterbox.dispose();
});

/** Follows a link to set a password, is refused a bad one, and comes in. */
async function setsPassword(person: Person, link: string, email: string): Promise<void> {
  const { page } = person;
  await page.goto(link);
  await expect(page.getByRole("heading", { name: "Choose a new password" })).toBeVisible(OPENS);
  await expect(page.getByLabel("Account")).toHaveValue(email);
  await expect(page.getByLabel("New password")).toBeFocused();
  expect(await seriousFindings(page)).toEqual([]);
  await page.getByLabel("New password").fill("short");
  await page.keyboard.press("Enter");
  await expect(page.getByText("at least 10 characters", { exact: false }).last()).toBeVisible();
  await expect(page.locator(".said.wrong")).toBeVisible();
  await page.getByLabel("New password").fill(OTHER_PASSWORD);
  await page.keyboard.press("Enter");
  await person.app.isOpen();
}
