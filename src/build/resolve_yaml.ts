import { BuildError } from "../errors.ts";
import { isObject, mapConcurrent } from "../io/mod.ts";

/** The beginning of a scalar that names an app to build: `gcrane://./services/api`. */
const SCHEME = "gcrane://";

/** A scalar in its line: with or without quotes, and behind what may come before a scalar. */
const SCALAR = /(^|[\s[{,])(["']?)(gcrane:\/\/[^\s"',\]}]+)\2(?=[\s,\]}]|$)/g;

/** How many apps are built at the same time. */
const CONCURRENCY = 2;

/**
 * Replaces every scalar `gcrane://DIR` in a file of YAML, which may have many documents, by the image of the app in
 * that folder. Everything else keeps its text, comments too.
 *
 * @param imageOf returns the reference of an app's image; called once for each folder
 * @throws {BuildError} if the file is not YAML, or such a scalar is written in a form that can't be replaced.
 */
export async function resolveYaml(
  text: string,
  imageOf: (directory: string) => Promise<string>,
  file = "the file",
): Promise<string> {
  if (!text.includes(SCHEME)) return text;
  const before = await parsed(text, file);
  const names = [...new Set(scalarsOf(before))];
  const images = new Map(
    await mapConcurrent(names, { concurrency: CONCURRENCY }, async (name) => {
      const directory = name.slice(SCHEME.length);
      if (directory === "") throw new BuildError(`${file} has ${SCHEME} without a folder`);
      return [name, await imageOf(directory)] as const;
    }),
  );
  const after = replaced(text, images);
  const expected = JSON.stringify(before, (_, value) => images.get(value) ?? value);
  if (JSON.stringify(await parsed(after, file)) === expected) return after;
  throw new BuildError(`${file} has an image ${SCHEME}… in a form that can't be replaced`, {
    hint: `write it in the line of its key, as in "image: ${names[0]}"`,
  });
}

async function parsed(text: string, file: string): Promise<unknown> {
  const { parseAll } = await import("@std/yaml/parse");
  try {
    return parseAll(text);
  } catch (cause) {
    throw new BuildError(`${file} is not YAML: ${(cause as Error).message}`, { cause });
  }
}

/** Returns the texts anywhere in a value that name an app. */
function scalarsOf(value: unknown): string[] {
  if (typeof value === "string") return value.startsWith(SCHEME) && !/\s/.test(value) ? [value] : [];
  if (Array.isArray(value)) return value.flatMap(scalarsOf);
  return isObject(value) ? Object.values(value).flatMap(scalarsOf) : [];
}

function replaced(text: string, images: ReadonlyMap<string, string>): string {
  /** The indentation of the node whose text, of several lines, is being read. */
  let block: number | undefined;
  return text.split("\n").map((line) => {
    const indentation = line.search(/[^ ]/);
    if (block !== undefined && (indentation < 0 || /^\s*$/.test(line) || indentation > block)) return line;
    block = undefined;
    const code = line.slice(0, commentIn(line));
    if (/(?:^|[\s:-])[|>][+-]?\d?[+-]?\s*$/.test(code)) block = /^ *(?:- +)*/.exec(code)![0].length;
    const changed = code.replace(SCALAR, (whole, ahead: string, quote: string, name: string) => {
      const image = images.get(name);
      return image === undefined ? whole : `${ahead}${quote}${image}${quote}`;
    });
    return changed + line.slice(code.length);
  }).join("\n");
}

/** Returns where the comment of a line begins, or the line's length. */
function commentIn(line: string): number {
  let quote: string | undefined;
  for (let i = 0; i < line.length; i++) {
    const char = line[i];
    if (quote !== undefined) {
      if (char === "\\" && quote === '"') i++;
      else if (char === quote) quote = undefined;
    } else if ((char === '"' || char === "'") && /(?:^|[\s[{,:-])$/.test(line.slice(0, i))) quote = char;
    else if (char === "#" && (i === 0 || /\s/.test(line[i - 1]))) return i;
  }
  return line.length;
}
