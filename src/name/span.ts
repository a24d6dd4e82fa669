import { NameError } from "../errors.ts";

const LONGEST_QUOTE = 300;
const SCHEME_PREFIX = /^https?:\/\//i;
/** `user:secret@host/…`, which is not a reference but a likely mistake. */
const USER_INFO = /^((?:https?:\/\/)?[^/@:]*):[^/@]*@(?=[^@]*\/)/i;

/** Options of {@linkcode Span.refuse}. */
export interface RefuseOptions {
  /**
   * The position of the fault, counted from the start of the span.
   *
   * @default 0
   */
  at?: number;
  /**
   * The user's next step.
   *
   * @default none
   */
  hint?: string;
}

/** A part of a text under the parser, with its position in the text. */
export class Span {
  /** The part itself. */
  readonly value: string;
  readonly #whole: string;
  readonly #start: number;

  private constructor(whole: string, start: number, end: number) {
    this.value = whole.slice(start, end);
    this.#whole = whole;
    this.#start = start;
  }

  /** Creates a span of a whole text. @throws {TypeError} if it is not a string. */
  static of(text: string): Span {
    if (typeof text !== "string") throw new TypeError(`a name must be a string, not ${typeof text}`);
    return new Span(text, 0, text.length);
  }

  /** Returns a part of this part; the offsets count from its start. */
  slice(from: number, to: number = this.value.length): Span {
    return new Span(this.#whole, this.#start + from, this.#start + to);
  }

  /** Creates an error with the problem, the whole text and the position of the fault in it. */
  refuse(problem: string, { at = 0, hint }: RefuseOptions = {}): NameError {
    const character = [...this.#whole.slice(0, this.#start + at)].length + 1;
    const scheme = SCHEME_PREFIX.exec(this.#whole);
    return new NameError(`can't parse ${quote(this.#whole)}: ${problem} (character ${character})`, {
      hint: scheme ? `leave out ${scheme[0]}, a name starts with the host` : hint,
    });
  }
}

/** Quotes the text on one line, without a password in front of the host. */
export function quote(text: string): string {
  const shown = text.replace(USER_INFO, "$1:…@");
  return JSON.stringify(shown.length > LONGEST_QUOTE ? shown.slice(0, LONGEST_QUOTE) + "…" : shown);
}
