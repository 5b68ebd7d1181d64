// Who sits here: asked of the server at each start and kept on this device, so that a signed-in person opens their pages
// without a network. Stands between the app and `sheaf-people.js`, which draws all that has to do with accounts; both
// reach it as `sheaf`, and neither knows the other.
//
// Everything a device keeps lies in a place of its own for each person: a database, a channel between tabs, locks and
// small values, all named by `place()`. Nothing here opens the place of anybody but the one who sits here.
(() => {
  const ME = "sheaf.me";
  /** Who has taken over what this device kept before there were accounts. */
  const HEIR = "sheaf.heir";
  /** Something was written here before there were accounts, and nobody has taken it over. */
  const UNCLAIMED = "sheaf.unclaimed";
  /** Places of people who signed out, each under a key of its own that begins so, as long as they are not deleted. */
  const TO_CLEAR = "sheaf.to-clear.";
  /** What the app keeps in small values, for each person under names of their own. */
  const SMALL_VALUES = ["sheaf.name", "sheaf.color", "sheaf.last-page", "sheaf.collapsed", "sheaf.kept"];
  /** Where a tab of somebody who has signed out puts what it writes with its last breath. Names nobody. */
  const LAST_BREATH = "sheaf.gone";
  /** The space in which everything lies that was written before there were accounts. */
  const HOME = "AAAAAAAAAAAAAAAAAAAAAA";
  const ACCOUNTLESS = "sheaf";
  const SCREENS = /^\/(welcome|sign-in|join|reset|s|settings|admin)(\/|$)/;
  const MODULE = "/sheaf-people.js";
  /** Milliseconds after which a server that says nothing counts as away. */
  const ANSWER_WITHIN_MS = 10_000;
  /** Milliseconds between two looks that nobody asked for. */
  const LOOK_EVERY_MS = 60_000;
  /** Milliseconds that other tabs are given to let go of a place that is to be deleted. */
  const LETTING_GO_MS = 3_000;

  let me = read(kept(ME));
  const atStart = me;
  const here = placeOf(atStart);
  const isScreen = SCREENS.test(location.pathname);
  /** Somebody who is signed out has nothing here that the app could show. */
  const isElsewhere = isScreen || me?.as === "nobody";
  let isOver = false;
  let isSaidOut = false;
  let told = () => {};
  let lookedAt = performance.now();
  let guestPages = [];

  for (const key of toClear()) {
    // Whoever has signed in again keeps what they have had since.
    const isInUse = kept(key) === here && (atStart?.as === "person" || atStart?.as === "guest");
    if (isInUse) keep(key, null);
    else void clear(key);
  }
  keep(LAST_BREATH, null);
  // An earlier release kept things here and never asked who sits here.
  if (atStart === null && kept("sheaf.kept") !== null) keep(UNCLAIMED, "yes");

  function kept(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  }

  function keep(key, value) {
    try {
      if (value === null) localStorage.removeItem(key);
      else localStorage.setItem(key, value);
    } catch {
      // Storage is refused here: the server is asked anew each time.
    }
  }

  function read(text) {
    try {
      const value = JSON.parse(text);
      return typeof value?.as === "string" ? value : null;
    } catch {
      return null;
    }
  }

  /** Tells people apart. Who was never asked about is taken for somebody on a server without accounts. */
  function identity(of) {
    if (of?.as === "person") return `person ${of.id}`;
    if (of?.as === "guest") return `guest ${of.guest?.link}`;
    return of?.as ?? "local";
  }

  function placeOf(of) {
    if (of?.as === "person") return kept(HEIR) === of.id ? ACCOUNTLESS : `${ACCOUNTLESS}-${of.id}`;
    if (of?.as === "guest") return `${ACCOUNTLESS}-guest-${of.guest?.link}`;
    return ACCOUNTLESS;
  }

  /** The keys of all places that are to be deleted. */
  function toClear() {
    try {
      return Object.keys(localStorage).filter((key) => key.startsWith(TO_CLEAR));
    } catch {
      return [];
    }
  }

  /** What was kept here before there were accounts belongs to whoever comes first and may read the space it lies in. */
  function inherit(of) {
    const mayRead = of.as === "person" && (of.spaces ?? []).some((space) => space.id === HOME);
    if (!mayRead || kept(UNCLAIMED) === null) return;
    keep(HEIR, of.id);
    keep(UNCLAIMED, null);
  }

  async function ask() {
    const answer = await fetch("/api/me", { headers: { accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    const said = answer.ok ? read(await answer.text()) : null;
    if (said === null) throw new Error(`no answer: ${answer.status}`);
    return said;
  }

  function remember(said) {
    if (said.as === "local") keep(UNCLAIMED, "yes");
    else if (identity(said) !== identity(me)) inherit(said);
    me = said;
    keep(ME, JSON.stringify(said));
  }

  /** The way to where one signs in, and back here afterwards. */
  function door(said) {
    if (!said.founded) return "/welcome";
    const way = new URLSearchParams();
    const here = location.pathname + location.search;
    if (here !== "/") way.set("to", here);
    if (atStart?.as === "guest") way.set("ended", "link");
    return `/sign-in${way.size > 0 ? `?${way}` : ""}`;
  }

  /** Takes the first answer of this visit. */
  function begin(said) {
    const isSame = identity(said) === identity(me) && said.as !== "nobody";
    const before = JSON.stringify(me);
    remember(said);
    if (isScreen) return;
    if (said.as === "nobody") {
      // What the app has begun to keep for nobody goes again.
      if (atStart === null && kept(UNCLAIMED) === null) void discard(ACCOUNTLESS);
      location.replace(door(said));
    } else if (!isSame) location.reload();
    else if (said.as !== "local" && before !== JSON.stringify(said)) told("me", "");
    if (said.guest) void lookBelow();
  }

  /** Takes a later answer: somebody may be in the middle of a sentence. */
  function goOn(said) {
    if (identity(said) === identity(me)) {
      isSaidOut = false;
      const before = JSON.stringify(me);
      remember(said);
      if (before !== JSON.stringify(said)) told("me", "");
    } else if (said.as === "nobody") {
      if (!isSaidOut) void open("signed-out", me?.as ?? "");
      isSaidOut = true;
    } else {
      remember(said);
      location.reload();
    }
  }

  async function look() {
    lookedAt = performance.now();
    try {
      const said = await ask();
      if (!isScreen && !isOver) goOn(said);
    } catch {
      // Asked again when there is reason to.
    }
  }

  /** Which pages a guest's link leads to. */
  async function lookBelow() {
    try {
      const answer = await fetch("/api/guest/pages", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
      if (!answer.ok) return;
      const said = await answer.json();
      guestPages = Array.isArray(said) ? said : (said.items ?? []);
      told("me", "");
    } catch {
      // The page itself opens without them.
    }
  }

  let loading = null;
  async function people() {
    loading ??= import(MODULE).then(async (module) => {
      await module.default();
      return module;
    });
    try {
      return await loading;
    } catch (error) {
      loading = null;
      throw error;
    }
  }

  async function open(what, about) {
    try {
      (await people()).open(what, about);
    } catch (error) {
      console.error(error);
      told("say", "This part of Sheaf is not on this device yet. Try again with a network.");
    }
  }

  async function drawScreen() {
    if (document.readyState === "loading") await new Promise((ready) => addEventListener("DOMContentLoaded", ready));
    (await people()).screen();
  }

  /**
   * Has a place deleted, and answers by which key. Each tab says it for itself: one that hears late that its person has signed out
   * may have made the place anew, after the other has deleted it.
   */
  function condemn(place) {
    const key = TO_CLEAR + Math.random().toString(36).slice(2);
    keep(key, place);
    return key;
  }

  /** Deletes all that the place holds which is kept under this key. What can't be deleted now is deleted at the next start. */
  async function clear(key) {
    const place = kept(key);
    if (place === null) return;
    const suffix = place.slice(ACCOUNTLESS.length);
    for (const name of SMALL_VALUES) keep(name + suffix, null);
    if (place === ACCOUNTLESS) keep(HEIR, null);
    const isGone = await new Promise((resolve) => {
      setTimeout(() => resolve(false), LETTING_GO_MS);
      try {
        const deleting = indexedDB.deleteDatabase(place);
        deleting.onsuccess = () => resolve(true);
        deleting.onerror = () => resolve(false);
      } catch {
        resolve(true);
      }
    });
    if (isGone) keep(key, null);
  }

  /** Somebody has signed out here: nothing of theirs stays. */
  async function forget() {
    const place = placeOf(me);
    me = { as: "nobody", founded: true, left: true };
    // Other tabs hear of this, and go.
    keep(ME, JSON.stringify(me));
    await discard(place);
    location.replace("/sign-in");
  }

  /** Deletes a place, now or at the next start. */
  async function discard(place) {
    isOver = true;
    await clear(condemn(place));
  }

  addEventListener("storage", ({ key, newValue }) => {
    if (key !== ME || isScreen) return;
    const said = read(newValue);
    if (said === null || identity(said) === identity(me)) return;
    isOver = said.left === true;
    if (isOver) {
      condemn(here);
      location.replace("/sign-in");
    }
    else goOn(said);
  });
  document.addEventListener("visibilitychange", () => {
    const isTime = performance.now() - lookedAt > LOOK_EVERY_MS;
    if (document.visibilityState === "visible" && isTime && !isScreen) void look();
  });

  const asked = ask();
  asked.then(begin, () => {
    if (isElsewhere && !isScreen) void drawScreen();
  });
  if (isScreen) void drawScreen().catch((error) => setTimeout(() => Promise.reject(error)));

  globalThis.sheaf = {
    /** Whether another screen than the app's is drawn here. */
    elsewhere: () => isElsewhere,
    /** What everything is named by that this device keeps for whoever sits here. */
    place: () => here,
    /** What a small value is kept under. How the app is drawn is the same for all. */
    own: (name) => {
      if (!SMALL_VALUES.includes(name)) return name;
      return isOver ? LAST_BREATH : name + here.slice(ACCOUNTLESS.length);
    },
    /** `local`, `person` or `guest`. */
    kind: () => me?.as ?? "local",
    name: () => me?.name ?? "",
    colour: () => me?.colour ?? "",
    /** Four texts for each space: id, name, whether one may write there, whether it is private. */
    spaces: () => (me?.spaces ?? []).flatMap(({ id, name, role, private: own }) => [id, name, role === "owner" || role === "editor" ? "1" : "", own ? "1" : ""]),
    /** Where a guest's link leads: the page, its title, whether one may write there. Nothing if there is no link. */
    guest: () => (me?.guest ? [me.guest.page, me.guest.title ?? "", me.guest.role === "editor" ? "1" : ""] : []),
    /** Three texts for each page a guest's link leads to: id, title, the page above it. */
    guestPages: () => guestPages.flatMap(({ id, title, parent }) => [id, title ?? "", parent ?? ""]),
    /** `f` hears `"me"` when any of this has changed, `"say"` with words to be said in passing, and `"count"` when what is kept
     *  of what is on this device only is to be of this moment. */
    listen: (f) => {
      told = f;
    },
    /** Opens a dialog of the other module. */
    open: (what, about) => void open(what, about),
    /** Asks the server again who sits here: it has turned something away. */
    look: () => void look(),
    /** Whether the place is being deleted. */
    isOver: () => isOver,

    // For the other module.
    me: async () => JSON.stringify(await asked.catch(() => atStart ?? { as: "nobody", founded: true, away: true })),
    meNow: () => JSON.stringify(me ?? { as: "local", founded: false }),
    remember: (text) => {
      const said = read(text);
      if (said) remember(said);
      told("me", "");
    },
    /** How many changes are on this device only: as the app counts them now, or counted them last. */
    unsent: () => {
      told("count", "");
      return kept("sheaf.kept" + placeOf(me).slice(ACCOUNTLESS.length)) ?? "0";
    },
    say: (words) => told("say", words),
    forget,
  };
})();
