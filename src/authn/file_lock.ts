import { delay } from "@std/async/delay";
import { FileError } from "../errors.ts";
import { type AbortOptions, missingIsUndefined } from "../io/mod.ts";
import {
  forgetTemporary,
  hardLink,
  lstat,
  openWriter,
  readTextFile,
  realPath,
  registerTemporary,
  remove,
  rename,
} from "../runtime/mod.ts";

/** Options of {@linkcode withFileLock}. */
export interface FileLockOptions extends AbortOptions {
  /**
   * After how many milliseconds an unchanged lock counts as left behind by a killed program.
   * @default 10000
   */
  staleMs?: number;
  /**
   * How long to wait for the lock in total, in milliseconds.
   * @default 60000
   */
  waitMs?: number;
}

/** The pause before the next attempt, in milliseconds, plus a random time of up to the same length. */
const PAUSE_MS = 15;

/**
 * Does short work on a file while no other program that uses the same lock does. The lock is a file next to it,
 * `FILE.lock`, which is removed at the end.
 *
 * @throws {FileError} if other programs hold the lock for too long.
 */
export async function withFileLock<T>(
  file: string,
  work: () => Promise<T>,
  options: FileLockOptions = {},
): Promise<T> {
  // A file has one lock, whatever path leads to it.
  const lock = `${await realPath(file).catch(() => file)}.lock`;
  const id = crypto.randomUUID();
  await acquire(lock, id, options);
  registerTemporary(lock);
  try {
    return await work();
  } finally {
    // A lock that was taken over while this program was stopped belongs to another.
    if (await readTextFile(lock).catch(() => "") === id) await remove(lock);
    forgetTemporary(lock);
  }
}

async function acquire(lock: string, id: string, options: FileLockOptions): Promise<void> {
  const { staleMs = 10_000, waitMs = 60_000, signal } = options;
  const start = performance.now();
  let seen: string | undefined;
  let since = start;
  while (!await create(lock, id)) {
    const stamp = await stampOf(lock);
    const now = performance.now();
    if (stamp !== seen) [seen, since] = [stamp, now];
    // The age is measured on this machine's clock alone: the file may be on another machine, whose clock differs.
    else if (stamp !== undefined && now - since >= staleMs) await takeAway(lock, stamp);
    if (now - start >= waitMs) {
      throw new FileError(`${lock} is there: another program holds it`, {
        errno: "EEXIST",
        hint: "remove it if no other program is at work",
      });
    }
    await delay(PAUSE_MS * (1 + Math.random()), { signal });
  }
}

/** Creates the lock; returns `false` if it exists. */
async function create(lock: string, id: string): Promise<boolean> {
  try {
    const writer = await openWriter(lock, { exclusive: true, mode: 0o600 });
    await writer.write(new TextEncoder().encode(id));
    await writer.close();
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === "EEXIST") return false;
    throw error;
  }
}

/** Removes a lock that was left behind, but not one that another program has created in its place. */
async function takeAway(lock: string, stamp: string): Promise<void> {
  const aside = `${lock}.${crypto.randomUUID().slice(0, 13)}`;
  try {
    await rename(lock, aside);
  } catch (error) {
    return missingIsUndefined(error);
  }
  if (await stampOf(aside) !== stamp) await hardLink(aside, lock).catch(() => {});
  await remove(aside);
}

/** Returns a value that differs between locks under the same name; `undefined` if there is none. */
async function stampOf(path: string): Promise<string | undefined> {
  const found = await lstat(path).catch(missingIsUndefined);
  return found && `${found.ino} ${found.mtimeMs}`;
}
