// What is typed where nothing can be put in. Someone who looks at the keyboard, or was in the middle of a word when the
// page became read-only, gets the words back.

/** Most characters kept. */
const CHARS_MAX = 20_000;

export class InVain {
  private words = "";

  /** `tell` hears all of the words each time they change. */
  constructor(private readonly tell: (words: string) => void) {}

  /** A key was pressed in a page that takes none. Returns whether it would have written something. */
  key(event: KeyboardEvent): boolean {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return false;
    const { key } = event;
    if (key === "Backspace") this.set([...this.words].slice(0, -1).join(""));
    else if (key === "Enter") this.add("\n");
    // Space and arrows read on in a page that can't be written: a space counts inside a text only.
    else if ([...key].length === 1 && (key !== " " || this.words !== "")) this.add(key);
    else return false;
    return this.words !== "";
  }

  /** Something was pasted into it, or an input method finished a word for it. */
  add(words: string): void {
    this.set(this.words + words);
  }

  /** One can write again; what was typed in between stays with whoever was told. */
  end(): void {
    this.words = "";
  }

  private set(words: string): void {
    const kept = words.slice(0, CHARS_MAX);
    if (kept === this.words) return;
    this.words = kept;
    // A lone Enter is no text.
    this.tell(kept.trim() === "" ? "" : kept);
  }
}
