import { parseAll } from "@std/yaml/parse";
import { UsageError } from "../../src/errors.ts";
import { parseDuration } from "../../src/io/mod.ts";

/** A value of YAML in which every scalar is its text: a tag `3.10` is not a number. */
export type Node = string | null | readonly Node[] | { readonly [key: string]: Node };

/**
 * Parses a YAML document. Merge keys (`<<`) are applied.
 *
 * @throws {UsageError} if it is not one document.
 */
export function parseYaml(text: string): Node {
  let documents: unknown[];
  try {
    documents = parseAll(text, { schema: "failsafe" });
  } catch (cause) {
    throw new UsageError(`it is not YAML: ${(cause as Error).message.split("\n")[0]}`, { cause });
  }
  if (documents.length !== 1) throw new UsageError(`it has ${documents.length} YAML documents, not one`);
  return merged(documents[0] as Node, 0);
}

/** The deepest nesting of a file. */
const MAX_DEPTH = 32;

function merged(node: Node, depth: number): Node {
  if (depth > MAX_DEPTH) throw new UsageError(`it is nested more than ${MAX_DEPTH} deep`);
  if (isList(node)) return node.map((item) => merged(item, depth + 1));
  if (!isMap(node)) return node;
  const own = Object.entries(node).filter(([key]) => key !== "<<").map((
    [key, value],
  ) => [key, merged(value, depth + 1)]);
  const bases = "<<" in node ? [node["<<"]].flat() : [];
  const inherited = bases.toReversed().map((base) => merged(base, depth + 1));
  return Object.assign({}, ...inherited.filter(isMap), Object.fromEntries(own));
}

function isList(node: Node): node is readonly Node[] {
  return Array.isArray(node);
}

function isMap(node: Node): node is { readonly [key: string]: Node } {
  return typeof node === "object" && node !== null && !isList(node);
}

/** The keys of a map of a file. Each key is read by name; {@linkcode Fields.end} rejects those that were not read. */
export class Fields {
  readonly path: string;
  readonly #map: { readonly [key: string]: Node };
  readonly #known = new Set<string>();

  /** Creates the reader of a map. @throws {UsageError} if the value is something else. */
  constructor(node: Node | undefined, path: string) {
    if (isEmpty(node)) node = {};
    if (!isMap(node!)) throw new UsageError(`${path === "" ? "it" : path} is not a map`);
    this.path = path;
    this.#map = node as { readonly [key: string]: Node };
  }

  /** The keys of the map. */
  get keys(): readonly string[] {
    return Object.keys(this.#map);
  }

  /** Returns the path of a key. */
  at(key: string): string {
    return this.path === "" ? key : `${this.path}.${key}`;
  }

  /** Reads a text; `undefined` if it is missing or empty. */
  text(key: string): string | undefined {
    return this.#read(key, textOf);
  }

  /** Reads a text that must be there. */
  required(key: string): string {
    const text = this.text(key);
    if (text === undefined) throw new UsageError(`${this.at(key)} is missing`);
    return text;
  }

  /** Reads `true` or `false`. */
  boolean(key: string): boolean | undefined {
    return this.#read(key, (node, path) => {
      const text = textOf(node, path).toLowerCase();
      if (text !== "true" && text !== "false") throw new UsageError(`${path} is neither true nor false`);
      return text === "true";
    });
  }

  /** Reads a number, of which 0 stands for a missing one. */
  number(key: string): number | undefined {
    const number = this.#read(key, (node, path) => {
      const text = textOf(node, path);
      if (!/^\d{1,15}(?:\.\d+)?$/.test(text)) throw new UsageError(`${path} is not a number: ${JSON.stringify(text)}`);
      return Number(text);
    });
    return number || undefined;
  }

  /** Reads a whole number, of which 0 stands for a missing one. */
  count(key: string): number | undefined {
    const number = this.number(key);
    if (number !== undefined && !Number.isInteger(number)) {
      throw new UsageError(`${this.at(key)} is not a whole number`);
    }
    return number;
  }

  /** Reads a duration in milliseconds, of which 0 stands for a missing one. */
  duration(key: string): number | undefined {
    return this.#read(key, (node, path) => at(path, () => parseDuration(textOf(node, path)))) || undefined;
  }

  /** Reads a list of texts. */
  texts(key: string): readonly string[] {
    return this.list(key, textOf);
  }

  /** Reads a list. */
  list<T>(key: string, read: (node: Node, path: string) => T): T[] {
    return this.#read(key, (node, path) => {
      if (!isList(node)) throw new UsageError(`${path} is not a list`);
      return node.map((item, index) => read(item, `${path}[${index}]`));
    }) ?? [];
  }

  /** Reads a map. */
  map(key: string): Fields {
    this.#known.add(key);
    return new Fields(this.#map[key], this.at(key));
  }

  /** Returns whether a key has a value. Does not read it. */
  has(key: string): boolean {
    return !isEmpty(this.#map[key]);
  }

  /** Rejects a key that has a value, with the reason. @throws {UsageError} */
  refuse(key: string, reason: string, hint?: string): void {
    this.#known.add(key);
    if (this.has(key)) throw new UsageError(`${this.at(key)} ${reason}`, { hint: hint ?? "leave it out" });
  }

  /** Accepts a key without a meaning here. */
  ignore(...keys: string[]): void {
    for (const key of keys) this.#known.add(key);
  }

  /** Rejects keys that were not read. @throws {UsageError} */
  end(): void {
    const unknown = this.keys.find((key) => !this.#known.has(key));
    if (unknown === undefined) return;
    throw new UsageError(`there is no key ${this.at(unknown)}`, {
      hint: `the keys here are ${[...this.#known].join(", ")}`,
    });
  }

  #read<T>(key: string, read: (node: Node, path: string) => T): T | undefined {
    this.#known.add(key);
    const node = this.#map[key];
    return isEmpty(node) ? undefined : read(node!, this.at(key));
  }
}

/** Puts the path of a key before the message of an error. */
export function at<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw withPath(path, error);
  }
}

/** Returns an error with the path of a key before its message. */
export function withPath(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error)) return error;
  const hint = "hint" in error && typeof error.hint === "string" ? error.hint : undefined;
  return new UsageError(`${path}: ${error.message}`, { cause: error, hint });
}

function isEmpty(node: Node | undefined): boolean {
  return node === undefined || node === null || node === "";
}

/** Returns a text. @throws {UsageError} for a list or a map. */
export function textOf(node: Node, path: string): string {
  if (typeof node === "string") return node;
  throw new UsageError(`${path} is not a text`);
}
