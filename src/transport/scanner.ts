/** Reads the value of a header from left to right with sticky patterns. */
export class Scanner {
  readonly #text: string;
  #position = 0;

  /** Creates a scanner at the start of the text. */
  constructor(text: string) {
    this.#text = text;
  }

  /** Whether the end of the text is reached. */
  get isAtEnd(): boolean {
    return this.#position >= this.#text.length;
  }

  /** Returns the match of a sticky pattern at the current position and moves past it; `null` if it does not match. */
  take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#position;
    const match = pattern.exec(this.#text);
    if (match) this.#position = pattern.lastIndex;
    return match;
  }
}
