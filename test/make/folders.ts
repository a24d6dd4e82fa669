// Folders of a test, and disks that fail on cue.

import fs from "node:fs";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { assertEquals } from "@std/assert";
import { temporariesInUse } from "../../src/runtime/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";

/** Runs a test with a folder of its own, which is gone afterwards. */
export async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "gcrane_test_"));
  try {
    await test(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The paths of all files under a folder, sorted; a path alone stands for itself. */
export function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** Runs `work`, which may leave no temporary file: each is registered, for an interrupt, until it is removed. */
export async function leavingNothing(work: () => Promise<void>): Promise<void> {
  const before = new Set(temporariesInUse());
  await work();
  assertEquals(temporariesInUse().filter((path) => !before.has(path)), []);
}

/** Runs `work` while files are opened by `open` instead of by node:fs. */
export async function withOpen<T>(
  open: (real: typeof fs.promises.open) => (...args: Parameters<typeof fs.promises.open>) => unknown,
  work: () => Promise<T>,
): Promise<T> {
  const real = fs.promises.open;
  Object.assign(fs.promises, { open: open(real) });
  try {
    return await work();
  } finally {
    Object.assign(fs.promises, { open: real });
  }
}

/** Runs `work` on a disk that is full once so many bytes were written to a file. */
export async function onFullDisk<T>(limit: number, work: () => Promise<T>): Promise<T> {
  return await withOpen((real) => async (...args) => {
    const handle = await real(...args);
    const write = handle.write.bind(handle) as (...args: unknown[]) => Promise<{ bytesWritten: number }>;
    let left = limit;
    return Object.assign(handle, {
      async write(...args: unknown[]) {
        const { bytesWritten } = await write(...args);
        left -= bytesWritten;
        if (left < 0) throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
        return { bytesWritten };
      },
    });
  }, work);
}

/** The place of a blob in a layout. */
export function blobPath(layoutPath: string, digest: Hash): string {
  const [algorithm, hex] = digest.split(":");
  return join(layoutPath, "blobs", algorithm, hex);
}
