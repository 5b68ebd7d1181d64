// What the surface asks of the half of the editor that is written in Rust.

/** The other half, in Rust. It never calls the surface while one of these runs, `release` apart. */
export interface Host {
  /**
   * Takes what was done here: steps as JSON, and `[join, anchor before, head before, anchor after, head after, hold,
   * whole]`; `whole` says that no step begins or ends inside a character of two units.
   * Answers with steps that set the view right (JSON), with nothing, with `!` and why the editor must stop, or with `?` and
   * why this was refused; it shows the whole document anew then.
   */
  local(steps: string, context: string): string;
  /** Undoes or redoes. Answers `{"steps": […], "selection": [anchor, head] | null}`, or nothing. */
  history(direction: "undo" | "redo"): string;
  /** Where the selection is now; -1 when the editor is not in use. */
  selection(anchor: number, head: number): void;
  /** Markdown as blocks in JSON, empty when it can't be read; nothing while what reads it is not here. */
  markdown(text: string): string | null;
  /** Fetches what reads Markdown. */
  reader(): Promise<unknown>;
  /** A composition is over: what was held may go both ways. */
  release(): void;
  /** The whole document anew, as blocks in JSON. */
  whole(): string;
  /** All that was typed since the page became read-only; it is nowhere else. */
  inVain(words: string): void;
}
