// A server that takes what is asked about accounts and says nothing: it counts as away after a while.

import { Account, PASSWORD } from "../fixtures/accounts.ts";
import { expect, test } from "../fixtures/people.ts";

/** Far longer than the deadlines: 10 s for who sits here, 30 s for a password. */
const GIVEN_UP = { timeout: 90_000 };

test("who waits for an answer about accounts that never comes is told that the server is away, and may try again", async ({ ownPeople, ownProgram }) => {
  const owner = await Account.first(ownProgram, "Ada");
  const [early, late] = [await ownPeople.bring("Early"), await ownPeople.bring("Late")];
  // One is never told who sits there.
  await early.page.route("**/api/me", () => {});
  await early.page.goto(new URL("/sign-in", early.line.url).href);
  // The other's password is taken, and nothing follows.
  let isSilent = true;
  await late.page.route("**/api/sign-in", (route) => (isSilent ? undefined : route.continue()));
  await late.page.goto(new URL("/sign-in", late.line.url).href);
  await late.page.getByLabel("Email address").fill(owner.email);
  await late.page.getByLabel("Password").fill(PASSWORD);
  await late.page.keyboard.press("Enter");
  await expect(late.page.getByRole("button", { name: "One moment…" })).toBeDisabled();
  await expect(early.page.getByText("nobody can sign in")).toBeVisible(GIVEN_UP);
  await expect(late.page.getByText("The server can't be reached")).toBeVisible(GIVEN_UP);
  isSilent = false;
  await late.page.getByRole("button", { name: "Sign in", exact: true }).click();
  await late.app.isOpen();
});
