// What the editor has to say about itself.

/** A bar above the text: what happened, and what one can do. */
export function notice(why: string, ways: { name: string; run(): void }[]): HTMLElement {
  const dom = document.createElement("div");
  dom.className = "surface-stopped";
  dom.setAttribute("role", "alert");
  const words = document.createElement("p");
  words.textContent = why;
  dom.append(words);
  for (const { name, run } of ways) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", run);
    dom.append(button);
  }
  return dom;
}
