// Hundreds of hostile texts in everything that people name and others read: nothing runs, nothing is asked for elsewhere, what
// is shown is the text, and every button stays where a thumb reaches it.

import type { Locator, Page } from "@playwright/test";
import { Account, fillSignIn, PASSWORD } from "../fixtures/accounts.ts";
import { onlyInChromium } from "../fixtures/devtools.ts";
import { cut, HOSTILE, offScreen, strangers, Watch, WAYS_OUT } from "../fixtures/hostile.ts";
import { QuillPage } from "../fixtures/other-editor.ts";
import { expect, test, type Person } from "../fixtures/people.ts";
import type { Program } from "../fixtures/program.ts";

const OPENS = { timeout: 60_000 };
/** Most characters of a name. */
const NAME_CHARS = 80;
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 800 };

/** Where a test answers for pages itself, no service worker may do it before. */
const PLAINLY = { serviceWorkers: "block" } as const;

/** Does something with each text, one after the other; the server either takes a text or says that it is none. */
async function each<T>(texts: readonly string[], deed: (text: string) => Promise<T>): Promise<T[]> {
  const done: T[] = [];
  for (const text of texts) {
    try {
      done.push(await deed(text));
    } catch (error) {
      if (!/: 4(00|13|22) /.test(String(error))) throw error;
    }
  }
  return done;
}

/** In parts of `count`. */
function parted<T>(all: readonly T[], count: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / count) }, (_, part) => all.slice(part * count, (part + 1) * count));
}

/** As few names as hold all of them: what no name may hold is tried alone, as it is refused. */
function packed(texts: readonly string[], most: number): string[] {
  const isRefused = (text: string): boolean => /[\p{Cc}\p{Surrogate}\u202a-\u202e\u2066-\u2069]/u.test(text);
  const names = texts.filter(isRefused);
  let name = "";
  for (const text of texts.filter((text) => !isRefused(text)).map((text) => cut(text, most))) {
    const longer = name === "" ? text : `${name} ${text}`;
    if (name !== "" && [...longer].length > most) names.push(name);
    name = [...longer].length > most ? text : longer;
  }
  return [...names, name];
}

/** Those that UTF-8 can say. */
const whole = (texts: readonly string[]): string[] => texts.filter((text) => !/\p{Surrogate}/u.test(text));

/** On a desk and on a phone: no markup came of a text, and all that can be pressed is on screen. */
async function looksRight(page: Page, watch: Watch, where: string): Promise<void> {
  for (const size of [DESK, PHONE]) {
    await page.setViewportSize(size);
    expect.soft(await strangers(page), where).toEqual([]);
    await expect.soft.poll(() => offScreen(page), { message: `${where}, ${size.width} wide`, timeout: 10_000 }).toEqual([]);
  }
  await page.setViewportSize(DESK);
  expect.soft(watch.found.splice(0), where).toEqual([]);
}

/** The first text of each: what stands in it before smaller print. */
const firstTexts = (found: Locator): Promise<string[]> => found.evaluateAll((all) => all.map((one) => one.firstChild?.textContent ?? ""));

const watching = (person: Person): Promise<Watch> => Watch.on(person.context, person.line.url);

async function comeIn(person: Person, account: Account, path: string): Promise<void> {
  await person.page.goto(new URL(`/sign-in?to=${encodeURIComponent(path)}`, person.line.url).href);
  await fillSignIn(person.page, account);
  await expect(person.page).toHaveURL(new URL(path, person.line.url).href, OPENS);
}

test("there are at least five hundred hostile texts", () => {
  expect(HOSTILE.length).toBeGreaterThanOrEqual(500);
});

test("names of spaces and programs, and the record of them, are shown as what was typed, whatever that is", async ({ ownPeople, ownProgram }) => {
  test.setTimeout(300_000);
  const owner = await Account.first(ownProgram, "Ada");
  // Each text is in a space's name or a program's, and some in a person's; the record holds all of them.
  const names = packed(HOSTILE, NAME_CHARS);
  const part = (of: number, is: (rest: number) => boolean): string[] => names.filter((_, number) => is(number % of));
  const taken = await each(part(2, (rest) => rest === 0), (name) => owner.ask<{ name: string }>("POST", "/api/spaces", { name }));
  await each(part(2, (rest) => rest === 1), (name) => owner.ask("POST", "/api/me/tokens", { name, reach: "read" }));
  await each(part(8, (rest) => rest === 0), (name) => owner.ask("PATCH", "/api/me", { name }));
  const { items: programs } = await owner.ask<{ items: { name: string }[] }>("GET", "/api/me/tokens");
  for (const { name } of [...taken, ...programs]) expect(name, "what a name holds").not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
  expect(taken.length + programs.length).toBeGreaterThan(200);

  const ada = await ownPeople.bring("Ada");
  const { page } = ada;
  const watch = await watching(ada);
  const shown = page.locator(".rows .what");
  await comeIn(ada, owner, "/settings/spaces");
  const { spaces } = await owner.ask<{ spaces: { name: string }[] }>("GET", "/api/me");
  await expect(shown).toHaveCount(spaces.length, OPENS);
  expect((await firstTexts(shown)).sort()).toEqual(spaces.map(({ name }) => name).sort());
  await looksRight(page, watch, "the spaces of one's own");

  await page.getByRole("link", { name: "Programs" }).click();
  await expect(shown).toHaveCount(programs.length);
  expect((await firstTexts(shown)).sort()).toEqual(programs.map(({ name }) => name).sort());
  await looksRight(page, watch, "programs");

  await page.goto(new URL("/admin/spaces", ada.line.url).href);
  await expect(shown).toHaveCount(taken.length + 2, OPENS);
  const all = await firstTexts(shown);
  expect(taken.map(({ name }) => name).filter((name) => !all.includes(name))).toEqual([]);
  await looksRight(page, watch, "all spaces");

  await page.getByRole("link", { name: "What was done" }).click();
  const more = page.getByRole("button", { name: "Show more" });
  for (let lines = 50; lines < taken.length + programs.length; lines += 50) {
    await expect(shown.nth(lines - 1)).toBeAttached();
    await more.click();
  }
  await looksRight(page, watch, "what was done");
});

/** Accounts under hostile names, made by the API; those of `names` that the server takes. */
async function crowd(program: Program, owner: Account, names: readonly string[]): Promise<string[]> {
  const { spaces } = await owner.ask<{ spaces: { id: string; private: boolean }[] }>("GET", "/api/me");
  const home = spaces.find((space) => !space.private)!;
  const joined = await each(names, async (name) => {
    const secret = (await owner.invitation({ id: home.id, role: "editor" })).replace("/join/", "");
    const account = new Account(program, name, `x${names.indexOf(name)}@example.org`);
    return account.ask<{ name: string }>("POST", "/api/join", { secret, name, email: account.email, password: PASSWORD });
  });
  return joined.map(({ name }) => name);
}

test("names of people, addresses of invitations and what browsers call themselves are shown as text, and leave room for the buttons", async ({ ownPeople, ownProgram }) => {
  test.setTimeout(300_000);
  const owner = await Account.first(ownProgram, "Ada");
  const names = await crowd(ownProgram, owner, ["<img src=x onerror=window.hurt=1>", "W".repeat(80), `A${"\u0335\u0321\u0489".repeat(26)}`, "﷽".repeat(80), "\u200fAda\u200e", "</select><script>window.hurt=1</script>", '"><svg/onload=window.hurt=1>', "{{constructor.constructor('window.hurt=1')()}}"]);
  expect(names).toHaveLength(8);
  for (const local of ["a'onx='{}`|", "=cmd|'a'!a1", "${a}", "{{7*7}}", "%00", "&lt;a", "o".repeat(64)]) await owner.ask("POST", "/api/invitations", { office: "member", email: `${local.replace(/[;()<>]/g, "")}@${"x".repeat(60)}.example.org` }).catch((error: unknown) => expect(String(error)).toContain(": 400"));
  for (const agent of ["<script>window.hurt=1</script>", "<img src=x onerror=window.hurt=1> Firefox/", "W".repeat(500)]) {
    const answer = await fetch(`${ownProgram.url}/api/sign-in`, { method: "POST", headers: { origin: ownProgram.url, "content-type": "application/json", "user-agent": agent }, body: JSON.stringify({ email: owner.email, password: PASSWORD }) });
    expect(answer.ok).toBe(true);
  }
  const ada = await ownPeople.bring("Ada");
  const { page } = ada;
  const watch = await watching(ada);
  await comeIn(ada, owner, "/admin");
  const people = page.locator(".card", { has: page.getByRole("heading", { name: "People", exact: true }) }).locator(".rows .what");
  await expect(people).toHaveCount(names.length + 1, OPENS);
  expect((await firstTexts(people)).filter((name) => name !== "Ada (you)").sort()).toEqual([...names].sort());
  await looksRight(page, watch, "people");
  await page.goto(new URL("/settings/devices", ada.line.url).href);
  await expect(page.locator(".rows .what")).toHaveCount(5, OPENS);
  await looksRight(page, watch, "browsers");
  await page.goto(ada.line.url);
  await ada.app.isOpen();
  const { spaces } = await owner.ask<{ spaces: { id: string; private: boolean }[] }>("GET", "/api/me");
  await openDialog(page, "space", spaces.find((space) => !space.private)!.id);
  await expect(page.locator("dialog[open] .rows .what")).toHaveCount(names.length + 1);
  await looksRight(page, watch, "members");
});

/** Opens a dialog as the app does. */
async function openDialog(page: Page, what: string, about: string): Promise<void> {
  await page.evaluate(([what, about]) => (window as unknown as { sheaf: { open(what: string, about: string): void } }).sheaf.open(what!, about!), [what, about]);
  await expect(page.locator("dialog[open]")).toBeVisible();
}

test("titles of pages are shown as text in the list, while searching and while sharing, and what is imported is its words", async ({ ownPeople, ownProgram }) => {
  test.setTimeout(300_000);
  const owner = await Account.first(ownProgram, "Ada");
  const { spaces } = await owner.ask<{ spaces: { id: string; private: boolean }[] }>("GET", "/api/me");
  const home = spaces.find((space) => !space.private)!;
  const titles = parted(whole(HOSTILE), 5).map((texts) => texts.map((text) => cut(text, NAME_CHARS)).join(" "));
  for (const title of titles) await owner.ask("POST", `/api/spaces/${home.id}/pages`, { title: cut(title, 240) });
  const contents: string[] = [];
  await expect(owner.import(home.id, "text/markdown", "fine \u0000")).rejects.toThrow("It is not a text");
  for (const texts of parted(whole(HOSTILE), 110)) {
    const markdown = texts.map((text) => `fine ${cut(text, 1_000).replaceAll("\u0000", "")}`).join("\n\n");
    for (const type of ["text/markdown", "text/html"]) contents.push((await owner.import(home.id, type, markdown)).id);
  }
  const { items } = await owner.ask<{ items: { title: string }[] }>("GET", `/api/spaces/${home.id}/pages`);

  const ada = await ownPeople.bring("Ada");
  const { page, app } = ada;
  const watch = await watching(ada);
  await comeIn(ada, owner, `/p/${contents[0]}`);
  await app.isOpen();
  const rows = app.tree.getByRole("treeitem");
  await expect.poll(() => rows.count(), OPENS).toBeGreaterThanOrEqual(items.length);
  const normal = (text: string): string => text.replace(/\s+/g, " ").trim();
  const listed = new Set((await rows.evaluateAll((all) => all.map((row) => row.getAttribute("aria-label") ?? row.textContent ?? ""))).map(normal));
  expect(items.map(({ title }) => normal(title)).filter((title) => title !== "" && ![...listed].some((shown) => shown.includes(title)))).toEqual([]);
  await looksRight(page, watch, "the list of pages");
  await page.keyboard.press("ControlOrMeta+k");
  await page.keyboard.type("script");
  await expect(page.getByRole("option").first()).toBeVisible();
  await looksRight(page, watch, "the search");
  await page.keyboard.press("Escape");
  for (const id of contents) {
    await app.open(`/p/${id}`);
    await expect(app.body).toContainText("fine");
    const leads = await app.body.locator("a").evaluateAll((links) => links.map((link) => (link as HTMLAnchorElement).protocol));
    expect.soft(leads.filter((kind) => !["http:", "https:", "mailto:", "tel:"].includes(kind))).toEqual([]);
    expect.soft(await strangers(page), id).toEqual([]);
  }
  // A text may show pictures from elsewhere over https; the policy refuses all others, and says so.
  watch.found.splice(0, Infinity, ...watch.found.filter((words) => !words.startsWith("refused by the policy: img-src http://")));
  await looksRight(page, watch, "what was imported");

  // The dialog in which one shares a page says its title three times.
  const saysThem = await page.evaluate(async ([id, titles]) => {
    const { open } = (window as unknown as { sheaf: { open(what: string, about: string): void } }).sheaf;
    const plain = (text: string): string => text.replace(/[\s\u202a-\u202e\u2066-\u2069]+/g, "");
    const drawn = (test: () => boolean): Promise<void> =>
      new Promise((done) => {
        const look = (): void => void (test() ? done() : requestAnimationFrame(look));
        look();
      });
    const wrong: string[] = [];
    for (const title of titles as string[]) {
      open("share", `${id} ${title}`);
      await drawn(() => document.querySelector("dialog[open] .in-one-sentence") !== null);
      const said = [...document.querySelectorAll("dialog[open] h2, dialog[open] .in-one-sentence")].map((place) => plain(place.textContent ?? ""));
      if (said.length < 2 || said.some((words) => !words.includes(plain(title)))) wrong.push(title);
      document.querySelector<HTMLDialogElement>("dialog[open]")!.close();
      await drawn(() => document.querySelector("dialog") === null);
    }
    return wrong;
  }, [contents[0]!, titles.map((title) => cut(title, 240))] as const);
  expect(saysThem).toEqual([]);
  await openDialog(page, "share", `${contents[0]} ${"W".repeat(240)}`);
  await looksRight(page, watch, "sharing");
});

test("names and colours that other programs claim are shown as text at their carets, in no colour but a colour", async ({ people, program, browser }) => {
  test.setTimeout(300_000);
  const ada = await people.join("Ada");
  onlyInChromium(ada.page, "answer for another editor's address");
  const watch = await watching(ada);
  await ada.app.reload();
  await ada.app.createPage();
  await ada.app.write("a line");
  await ada.app.isSaved();
  const context = await browser.newContext();
  const quill = await QuillPage.open(context, program.port, ada.app.documentName);
  await expect(quill.body).toContainText("a line");
  await quill.body.focus();
  await quill.page.keyboard.press("ControlOrMeta+End");
  const colours = HOSTILE.filter((text) => /url|red|#|expression/.test(text)).concat("#ff0000;x", "#gggggg", "#12345", "rgb(1,2,3)");
  // What is longer than any state may be is not shown at all.
  const rounds = parted(whole(HOSTILE).filter((text) => text.length < 1_000), 24);
  for (const [round, texts] of rounds.entries()) {
    await quill.page.evaluate(say, { round, texts, colours: texts.map((_, number) => colours[(round * 24 + number) % colours.length]!) });
    await expect(ada.app.body.locator(`.caret[data-name^="r${round} "]`)).toHaveCount(texts.length);
    const painted = await ada.app.body.locator(".caret").evaluateAll((carets) => carets.map((caret) => (caret as HTMLElement).style.cssText));
    expect.soft(painted.filter((style) => !/^--c: ?#[0-9a-f]{6};$/i.test(style))).toEqual([]);
    expect.soft(await strangers(ada.page)).toEqual([]);
  }
  await looksRight(ada.page, watch, "a page with others");
  await quill.dispose();
  await context.close();
});

/** In the other editor: as many people as there are texts, each called one of them. */
async function say({ round, texts, colours }: { round: number; texts: string[]; colours: string[] }): Promise<void> {
  type Provider = { awareness: { getLocalState(): { cursor: unknown }; setLocalState(state: unknown): void }; serverUrl: string; roomname: string; doc: object };
  const page = window as unknown as { provider: Provider; crowd?: Provider[] };
  const { provider } = page;
  const Connect = provider.constructor as new (url: string, name: string, doc: object) => Provider;
  const Doc = provider.doc.constructor as new () => object;
  page.crowd ??= texts.map(() => new Connect(provider.serverUrl, provider.roomname, new Doc()));
  const { cursor } = provider.awareness.getLocalState();
  for (const [number, name] of texts.entries()) page.crowd[number]!.awareness.setLocalState({ user: { name: `r${round} ${name}`, color: colours[number] }, cursor });
}

test("behind a link, an invitation and the door itself hostile names and addresses are words, and lead nowhere else", async ({ ownPeople, ownProgram }) => {
  test.setTimeout(300_000);
  const owner = await Account.first(ownProgram, "Ada");
  const space = await owner.makeSpace("Team");
  const invitation = await owner.invitation({ id: space, role: "editor" });
  const guest = await ownPeople.bring("Guest");
  const { page } = guest;
  const watch = await watching(guest);
  const texts = whole(HOSTILE);
  const go = (path: string) => page.goto(new URL(path, guest.line.url).href);
  // Of every kind of text a few: as names, and many together as a title.
  for (const [number, some] of parted(texts, 80).entries()) {
    const name = texts.slice(number * 80).map((text) => cut(text, NAME_CHARS)).find((text) => /^[\x20-\x7e]+$/.test(text)) ?? "W".repeat(80);
    await owner.ask("PATCH", "/api/me", { name });
    await owner.ask("PATCH", `/api/spaces/${space}`, { name });
    const { id } = await owner.ask<{ id: string }>("POST", `/api/spaces/${space}/pages`, { title: cut(some.map((text) => cut(text, 40)).join(" "), 240) });
    const link = await owner.ask<{ path: string }>("POST", `/api/pages/${id}/links`, { lets: "view", below: false });
    await go(link.path);
    await expect(page.getByLabel("What should others call you?")).toBeVisible(OPENS);
    await expect(page.locator(".lead")).toContainText(`It lies in “${name.replace(/\s+/g, " ").trim()}”.`);
    await looksRight(page, watch, "a shared page's door");
    await go(invitation);
    await expect(page.locator(".lead")).toContainText(name.replace(/\s+/g, " ").trim(), OPENS);
    await looksRight(page, watch, "an invitation");
  }
  for (const [number, text] of texts.filter((_, number) => number % 60 === 7).entries()) {
    await go(`/${["s", "join", "reset"][number % 3]}/${encodeURIComponent(cut(text, 200))}`);
    await expect(page.getByRole("heading", { name: "This link does not work" })).toBeVisible(OPENS);
    await looksRight(page, watch, `a link that is ${JSON.stringify(text)}`);
    await go(`/sign-in?${new URLSearchParams({ failed: text, ended: text, to: text })}`);
    await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible(OPENS);
    await looksRight(page, watch, `a door with ${JSON.stringify(text)}`);
  }
});

test("who signs in is led to places of this site alone, whatever the address says", async ({ ownPeople, ownProgram }) => {
  test.setTimeout(300_000);
  const owner = await Account.first(ownProgram, "Ada");
  const ada = await ownPeople.bring("Ada", PLAINLY);
  const { page } = ada;
  const watch = await watching(ada);
  await comeIn(ada, owner, "/settings");
  const { origin } = new URL(ada.line.url);
  // Where it leads is all that counts; what is there need not be drawn.
  const isPlace = ({ origin: of, pathname }: URL): boolean => of === origin && pathname !== "/sign-in" && !/\.\w+$/.test(pathname) && !pathname.startsWith("/api/");
  await ada.context.route(isPlace, (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html><title>Led here</title>" }));
  for (const way of WAYS_OUT) {
    await page.goto(new URL(`/sign-in?to=${encodeURIComponent(way)}`, origin).href);
    await expect.poll(async () => watch.found.length > 0 || (await page.title()) === "Led here", `${JSON.stringify(way)} leads somewhere`).toBe(true);
    expect.soft(watch.found.splice(0), JSON.stringify(way)).toEqual([]);
    expect.soft(new URL(page.url()).origin, JSON.stringify(way)).toBe(origin);
  }
  await page.goto(new URL(`/sign-in?to=${encodeURIComponent("/p/AAAAAAAAAAAAAAAAAAAAAA?a=b#c")}`, origin).href);
  await expect(page).toHaveURL(new URL("/p/AAAAAAAAAAAAAAAAAAAAAA?a=b#c", origin).href);
});

test("the record is JSON as a whole, whatever stands in it, and no browser takes it for a page", async ({ ownProgram }) => {
  const owner = await Account.first(ownProgram, "Ada");
  const taken = await each(HOSTILE.filter((_, number) => number % 4 === 0).map((text) => cut(text, NAME_CHARS)), (name) => owner.ask<{ name: string }>("POST", "/api/spaces", { name }));
  const answer = await owner.fetch("/api/admin/audit.json");
  expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  const said = JSON.stringify(JSON.parse(await answer.text()));
  for (const { name } of taken) expect(said).toContain(JSON.stringify(name).slice(1, -1));
});
