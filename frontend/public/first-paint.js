// Before anything is painted: the theme, so that nobody is dazzled by a white flash at night.
// And the words for a browser in which the app itself can't start.
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem("sheaf.theme");
  } catch {
    // Storage is refused here; the system's theme it is.
  }
  const dark = theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";

  addEventListener("error", sayIfNothingStarted);
  addEventListener("unhandledrejection", sayIfNothingStarted);

  function sayIfNothingStarted() {
    setTimeout(() => {
      if (document.querySelector(".shell, .no-start") || !document.body) return;
      const words = document.createElement("p");
      words.className = "no-start";
      words.textContent =
        "Sheaf could not start in this browser. A current Firefox, Chrome, Edge or Safari can run it. " +
        "Nothing you wrote is gone: it is still on the server, and on this device if you wrote here.";
      document.body.append(words);
    }, 3000);
  }
})();
