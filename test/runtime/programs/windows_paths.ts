// Compares the paths with node's on a runtime that believes itself on Windows.
import * as path from "node:path";

const host = (globalThis as { Deno?: { build: { os: string } } }).Deno;
if (host !== undefined) Object.defineProperty(host, "build", { value: { ...host.build, os: "windows" } });
Object.defineProperty(process, "platform", { value: "win32" });

const { baseName, dirName, joinPath, pathSeparator, writeStdout } = await import("../../../src/runtime/mod.ts");

const trimmed = (text: string) =>
  /^([A-Za-z]:)?[\\/]*$|^\\\\[^\\]+\\[^\\]+\\$/.test(text) ? text : text.replace(/\\+$/, "");
const paths = [
  "C:\\",
  "C:\\a",
  "C:/a/b/",
  "c:a",
  "\\a\\b",
  "/a/b",
  "a\\b/c",
  "..\\a",
  "\\\\server\\share\\a\\b",
  "\\\\server\\share\\",
  "a",
  "C:\\a\\..\\..\\b",
  ".",
  "",
];
const wrong: string[] = [];
function check(name: string, actual: string, expected: string): void {
  if (actual !== expected) wrong.push(`${name}: ${actual} and not ${expected}`);
}
check("pathSeparator", pathSeparator(), "\\");
for (const a of paths) {
  check(`dirName(${a})`, dirName(a), path.win32.dirname(a));
  // Node takes the name of a share for a name below it.
  if (!a.endsWith("share\\")) check(`baseName(${a})`, baseName(a), path.win32.basename(a));
  for (const b of ["", "x", "..\\x", "x/y/"]) {
    check(`joinPath(${a}, ${b})`, joinPath(a, b), trimmed(path.win32.join(a, b)));
  }
}
await writeStdout(wrong.length === 0 ? "checked" : wrong.join("\n"));
