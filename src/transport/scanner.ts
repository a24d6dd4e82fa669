/** Reads the value of a header from left to right, by sticky patterns. */
export class Scanner {
  readonly #text: string;
  #position = 0;

  /** Makes it, at the beginning of the text. */
  constructor(text: string) {
    this.#text = text;
  }

  /** Whether all of the text was taken. */
  get isAtEnd(): boolean {
    return this.#position >= this.#text.length;
  }

  /** Takes what a sticky pattern matches here; `null`, and nothing is taken, where it does not match. */
  take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#position;
    const match = pattern.exec(this.#text);
    if (match) this.#position = pattern.lastIndex;
    return match;
  }
}
