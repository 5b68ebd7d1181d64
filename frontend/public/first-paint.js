// Before anything is painted: the theme, so that nobody is dazzled by a white flash at night; it follows the system, and what
// is chosen in another tab, on every screen. And what happens when the app itself can't be loaded: further attempts, then
// words. And when it failed: it is left alone.
(() => {
  const THEME = "sheaf.theme";
  const night = matchMedia("(prefers-color-scheme: dark)");
  paint();
  night.addEventListener("change", paint);
  addEventListener("storage", ({ key }) => {
    if (key === THEME || key === null) paint();
  });

  function paint() {
    let theme = null;
    try {
      theme = localStorage.getItem(THEME);
    } catch {
      // Storage is refused here; the system's theme it is.
    }
    const dark = theme === "dark" || (theme !== "light" && night.matches);
    document.documentElement.dataset.theme = dark ? "dark" : "light";
  }

  // Waits before the next attempts, in milliseconds, each up to half as long again: a server that comes back is not
  // met by everyone at once.
  const WAITS_MS = [1_000, 2_000, 4_000, 8_000, 16_000];
  /** After so many milliseconds without a failure, attempts are counted anew. */
  const FORGOTTEN_MS = 120_000;
  const ATTEMPTS = "sheaf.attempts";

  // A script or a style that did not come tells only those who capture.
  addEventListener("error", lookSoon, { capture: true });
  addEventListener("unhandledrejection", lookSoon);

  // A program that failed still hears of clicks and keys, and must not act on them: what it made of them would be kept
  // nowhere. Reading, selecting and copying stay, and so does the notice.
  for (const name of ["beforeinput", "change", "click", "cut", "dblclick", "drop", "input", "keydown", "keypress", "paste", "submit"]) {
    addEventListener(name, keepOut, { capture: true });
  }

  function keepOut(event) {
    const notice = document.body && [...document.body.children].find((child) => child.matches(".notice.failed"));
    if (!notice || notice.contains(event.target)) return;
    event.stopImmediatePropagation();
    if (["beforeinput", "cut", "drop", "paste", "submit"].includes(event.type)) event.preventDefault();
  }

  let looks = false;
  function lookSoon() {
    if (looks) return;
    looks = true;
    setTimeout(() => {
      looks = false;
      const started = document.querySelector(".shell, .people, .no-start, .notice.failed");
      if (!started && document.body) tryAgain();
    }, 3_000);
  }

  // Nothing was started and nothing typed, so loading the page again costs nothing.
  function tryAgain() {
    const failed = failuresBefore();
    const wait = WAITS_MS[failed];
    if (typeof WebAssembly !== "object" || wait === undefined || !note(failed + 1)) return say();
    setTimeout(() => location.reload(), wait * (1 + Math.random() / 2));
  }

  function failuresBefore() {
    try {
      const [count, at] = JSON.parse(sessionStorage.getItem(ATTEMPTS) ?? "[0,0]");
      return Date.now() - at < FORGOTTEN_MS ? count : 0;
    } catch {
      return 0;
    }
  }

  function note(count) {
    try {
      sessionStorage.setItem(ATTEMPTS, JSON.stringify([count, Date.now()]));
      return true;
    } catch {
      // Who can't count must not go on for ever.
      return false;
    }
  }

  function say() {
    const words = document.createElement("p");
    words.className = "no-start";
    words.setAttribute("role", "alert");
    words.textContent =
      "Sheaf could not be loaded. Nothing you wrote is gone: it is still on the server, and on this device if you wrote here. " +
      "The network or the server may be out of reach for now. If it stays so, this browser may be too old: a current Firefox, Chrome, Edge or Safari can run it. ";
    const again = document.createElement("a");
    again.href = location.href;
    again.textContent = "Try again";
    words.append(again);
    document.body.append(words);
  }
})();
