// `@std/path` is not used: it reads `process` when it is loaded, which takes Deno 17 ms. Its POSIX and Windows modules
// do not, but loading them takes Deno 4 ms and Bun 6 ms, and every command loads this file.

import { currentDirectory, platformOs } from "./environment.ts";

/** Returns the separator of a path: `/`, or `\` on Windows. */
export function pathSeparator(): "/" | "\\" {
  return isWindows() ? "\\" : "/";
}

/** Joins paths with one separator between them and none at the end, and resolves `.` and `..`. No paths give `.`. */
export function joinPath(...parts: string[]): string {
  return normalizePath(parts.filter((part) => part !== "").join(pathSeparator()));
}

/** Returns the absolute path, from the right-most absolute part or else from the current directory. */
export function resolvePath(...parts: string[]): string {
  let path = "";
  for (const part of parts) path = isAbsolute(part) ? part : path === "" ? part : `${path}${pathSeparator()}${part}`;
  if (!isAbsolute(path)) path = `${currentDirectory()}${pathSeparator()}${path}`;
  return normalizePath(path);
}

/** Returns the path without its last name, or `.` if there is only one name. */
export function dirName(path: string): string {
  const root = rootOf(path);
  const rest = trimEnd(path.slice(root.length));
  const parent = trimEnd(rest.slice(0, lastSeparator(rest) + 1));
  return root + parent || ".";
}

/** Returns the last name of a path. */
export function baseName(path: string): string {
  const rest = trimEnd(path.slice(rootOf(path).length));
  return rest.slice(lastSeparator(rest) + 1);
}

function isWindows(): boolean {
  return platformOs() === "windows";
}

function isSeparator(char: string | undefined): boolean {
  return char === "/" || (char === "\\" && isWindows());
}

function lastSeparator(path: string): number {
  return isWindows() ? Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) : path.lastIndexOf("/");
}

function trimEnd(path: string): string {
  let end = path.length;
  while (end > 0 && isSeparator(path[end - 1])) end--;
  return path.slice(0, end);
}

/** Returns the part of a path that `..` can't leave: `/`, and on Windows also `C:\`, `C:` or `\\server\share\`. */
function rootOf(path: string): string {
  if (isWindows()) {
    const root = /^(?:[\\/]{2}[^\\/]+[\\/]+[^\\/]+[\\/]?|[A-Za-z]:[\\/]*|[\\/]+)/.exec(path);
    return root === null ? "" : root[0];
  }
  return path.startsWith("/") ? "/" : "";
}

function isAbsolute(path: string): boolean {
  const root = rootOf(path);
  return isWindows() ? root.length > 0 && !/^[A-Za-z]:$/.test(root) : root.length > 0;
}

function normalizePath(path: string): string {
  const separator = pathSeparator();
  const root = rootOf(path);
  const rest = path.slice(root.length);
  const kept: string[] = [];
  for (const name of rest.split(isWindows() ? /[\\/]+/ : /\/+/)) {
    if (name === "" || name === ".") continue;
    if (name !== "..") kept.push(name);
    else if (kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else if (root === "") kept.push("..");
  }
  const normalRoot = isWindows() ? root.replace(/[\\/]+$/, "\\").replace(/\//g, "\\") : root;
  return normalRoot + kept.join(separator) || ".";
}
