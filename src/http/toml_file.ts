import { FileError } from "../errors.ts";
import { fileFailure, isObject } from "../io/mod.ts";
import { isMissing, readTextFile } from "../runtime/mod.ts";

/**
 * Reads a TOML file; returns `undefined` if there is none.
 *
 * @param wanted a pattern of the texts that are parsed; the table of any other one is empty
 * @throws {FileError} if it can't be read or is not TOML. The message has none of its text, which may be secret.
 */
export async function readToml(path: string, wanted?: RegExp): Promise<TomlTable | undefined> {
  let text: string;
  try {
    text = await readTextFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw fileFailure(`can't read ${path}`, error);
  }
  if (wanted && !wanted.test(text)) return new TomlTable(path, "", {});
  const { parse } = await import("@std/toml/parse");
  let fields: Record<string, unknown>;
  try {
    fields = parse(text);
  } catch (error) {
    const place = /line \d+, column \d+/.exec((error as Error).message)?.[0];
    throw new FileError(`${path} is not TOML${place ? `: see ${place}` : ""}`, { hint: HINT });
  }
  return new TomlTable(path, "", fields);
}

const HINT = "correct the file, or move it away";

/** A table of a TOML file, whose values are checked when they are read. */
export class TomlTable {
  /** The path of the file. */
  readonly file: string;
  readonly #key: string;
  readonly #fields: Readonly<Record<string, unknown>>;

  /** Creates the table; `key` is its own, for errors, "" for the whole file. */
  constructor(file: string, key: string, fields: Readonly<Record<string, unknown>>) {
    this.file = file;
    this.#key = key;
    this.#fields = fields;
  }

  /** Returns the value of a key as it is. */
  value(key: string): unknown {
    return Object.hasOwn(this.#fields, key) ? this.#fields[key] : undefined;
  }

  /** Returns a text, or `undefined` without the key. */
  text(key: string): string | undefined {
    const value = this.value(key);
    if (value === undefined || typeof value === "string") return value;
    throw this.fault(key, "a text");
  }

  /** Returns a boolean; `false` without the key. */
  flag(key: string): boolean {
    const value = this.value(key) ?? false;
    if (typeof value === "boolean") return value;
    throw this.fault(key, "true or false");
  }

  /** Returns a list of texts, of which one may stand alone; `undefined` without the key. */
  texts(key: string): readonly string[] | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    const list = typeof value === "string" ? [value] : value;
    if (Array.isArray(list) && list.every((each) => typeof each === "string")) return list;
    throw this.fault(key, "a text or a list of texts");
  }

  /** Returns a table within; an empty one without the key. */
  table(key: string): TomlTable {
    const value = this.value(key) ?? {};
    if (isObject(value)) return new TomlTable(this.file, this.#keyOf(key), value);
    throw this.fault(key, "a table");
  }

  /** Returns the keys, in the order of the file. */
  keys(): readonly string[] {
    return Object.keys(this.#fields);
  }

  /** Returns a list of tables; an empty one without the key. */
  list(key: string): readonly TomlTable[] {
    const value = this.value(key) ?? [];
    if (!Array.isArray(value) || !value.every(isObject)) throw this.fault(key, "a list of tables");
    return value.map((each, at) => new TomlTable(this.file, `${this.#keyOf(key)}[${at}]`, each));
  }

  /** Creates the error for a value that is not what is wanted. */
  fault(key: string, wanted: string): FileError {
    return new FileError(`${this.file}: ${this.#keyOf(key)} is not ${wanted}`, { hint: HINT });
  }

  #keyOf(key: string): string {
    const name = /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
    return this.#key === "" ? name : `${this.#key}.${name}`;
  }
}
