// Works with files in the current directory, on a runtime that believes itself on Windows.
import fs from "node:fs";
import process from "node:process";

const host = (globalThis as { Deno?: { build: { os: string } } }).Deno;
if (host !== undefined) Object.defineProperty(host, "build", { value: { ...host.build, os: "windows" } });
Object.defineProperty(process, "platform", { value: "win32" });

const { createNewFile, lstat, readLink, rename, syncDirectory, writeStdout } = await import(
  "../../../src/runtime/mod.ts"
);
const { splitLocalPath } = await import("../../../src/source/mod.ts");

fs.mkdirSync("folder");
fs.writeFileSync("file", "file", { mode: 0o600 });
fs.linkSync("file", "folder/link");
fs.symlinkSync("folder\\file", "symlink");
fs.writeFileSync("C", "");
fs.writeFileSync("C:\\app.tar", "");

// Windows refuses to replace a file for as long as another program has it open, as virus scanners do.
let refusals = 0;
const { rename: renameNow } = fs.promises;
fs.promises.rename = async (from, to) => {
  if (refusals-- > 0) {
    throw Object.assign(new Error(`EPERM: operation not permitted, rename '${from}'`), { code: "EPERM" });
  }
  await renameNow(from, to);
};
/** Renames after some refusals, and returns the code of the error. */
const renamed = async (count: number, work: () => Promise<void>) => {
  refusals = count;
  return await work().then(() => "renamed", (error) => error.code);
};
const created = await createNewFile("created");
await created.write(new TextEncoder().encode("created"), 0);

const { mode, nlink } = await lstat("file");
await writeStdout(JSON.stringify({
  modes: [mode, (await lstat("folder")).mode].map((mode) => mode.toString(8)),
  nlink,
  link: await readLink("symlink"),
  sync: await syncDirectory("missing").then(() => "nothing to do", (error) => error.code),
  rename: await renamed(2, () => rename("file", "folder/link")),
  commit: await renamed(2, () => created.commit("committed")),
  refused: await renamed(1000, () => rename("folder", "other")),
  source: await splitLocalPath("C:\\app.tar:v1"),
}));
