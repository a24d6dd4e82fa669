// Fields of a lock file or of a package.json. A field of another type than expected counts as absent, as it does for
// the package managers.

import { LockError } from "../../errors.ts";
import { isObject } from "../../io/mod.ts";

/** An object of a lock file. */
export type Fields = Readonly<Record<string, unknown>>;

/** Returns a field that is an object, else an empty one. */
export function objectOf(fields: Fields | undefined, name: string): Fields {
  const value = fields !== undefined && Object.hasOwn(fields, name) ? fields[name] : undefined;
  return isObject(value) ? value : {};
}

/** Returns a field that is a text and not empty. */
export function textOf(fields: Fields, name: string): string | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Returns the texts of a field that is a list, or the one text that it is; `undefined` for none. */
export function textsOf(fields: Fields, name: string): readonly string[] | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  const texts = (Array.isArray(value) ? value : [value]).filter((each) => typeof each === "string" && each !== "");
  return texts.length === 0 ? undefined : texts;
}

/** Returns an object's members whose values are texts, in the order of their names. */
export function rangesOf(fields: Fields | undefined, name: string): ReadonlyMap<string, string> {
  const ranges = Object.entries(objectOf(fields, name)).filter((each): each is [string, string] =>
    typeof each[1] === "string"
  );
  return new Map(ranges.sort(([a], [b]) => compareTexts(a, b)));
}

/** Orders texts by their code units, which is the same on every machine. */
export function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Returns the platform fields that a lock entry or a package.json has. */
export function platformFields(
  fields: Fields,
): { os?: readonly string[]; cpu?: readonly string[]; libc?: readonly string[] } {
  const [os, cpu, libc] = [textsOf(fields, "os"), textsOf(fields, "cpu"), textsOf(fields, "libc")];
  return { ...(os && { os }), ...(cpu && { cpu }), ...(libc && { libc }) };
}

/**
 * Checks a path of a lock file, relative to the project.
 *
 * @throws {LockError} if it leads out of the project.
 */
export function checkedPath(path: string, file: string): string {
  const parts = path.split("/");
  if (path === "" || path.includes("\\") || path.includes("\0") || /^[a-z]:/i.test(path)) throw outside(path, file);
  if (parts.some((part) => part === ".." || part === "." || part === "")) throw outside(path, file);
  return path;
}

/**
 * Checks a package's name, of which its folder is made.
 *
 * @throws {LockError} if it is no name of a package.
 */
export function checkedName(name: string, file: string): string {
  // Older packages have capitals and other characters that npm refuses in new names; none has these.
  if (/^(?:@[^/@\s\\%:]+\/)?[^/@.\s\\%:][^/@\s\\%:]*$/.test(name) && !name.split("/").includes("..")) return name;
  throw new LockError(`${file} has a package with the name ${JSON.stringify(name)}, which is not a package's name`);
}

function outside(path: string, file: string): LockError {
  return new LockError(`${file} has the path ${JSON.stringify(path)}, which is not inside of the project`, {
    hint: "move what is there into the project, or run the build in a folder that has both",
  });
}
