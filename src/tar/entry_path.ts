/** Checks names in archives, so that they can't lead out of a target directory. */

import { TarError } from "../errors.ts";
import { quoteName } from "./text.ts";

/**
 * Cleans the name of an entry: no slash or `./` in front, no slash at the end, no empty and no `.` segments.
 *
 * The root itself, `./` or `/` in archives, is the empty string.
 *
 * @throws {TarError} If a segment is `..`, taking `\` as a separator too, or if the name starts with `\` or a drive
 * letter, or holds a NUL.
 */
export function cleanEntryPath(path: string): string {
  const clean = path.split("/").filter((segment) => segment !== "" && segment !== ".").join("/");
  const refusal = refusalOf(clean);
  if (refusal !== undefined) {
    throw new TarError(`tar entry ${quoteName(path)} ${refusal}`, {
      hint: "the archive may be an attempt to write outside of its target",
    });
  }
  return clean;
}

function refusalOf(path: string): string | undefined {
  if (path.split(/[/\\]/).includes("..")) return `has a ".." in its name`;
  if (path.startsWith("\\")) return "has a name that starts with a backslash";
  if (/^[a-z]:/i.test(path)) return "has a name that starts with a drive letter";
  return path.includes("\0") ? "has a NUL in its name" : undefined;
}
