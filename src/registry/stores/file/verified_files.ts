import { BoundedMap } from "../../../io/mod.ts";
import type { FileStat } from "../../../runtime/mod.ts";

/** What is known of a file's bytes. */
type Verdict = "sound" | "spoilt";

/** How many files are remembered; of others the bytes are hashed again. */
const CAPACITY = 20_000;

/** A change this long ago, in milliseconds, has another time than any that is still to come, whatever the clock. */
export const SETTLED_AGE = 2_000;

/** Remembers which files were hashed, and how that came out, for as long as they do not change. */
export class VerifiedFiles {
  readonly #verdicts = new BoundedMap<string, { identity: string; verdict: Verdict }>(CAPACITY);

  /** Whether the file, as it is now, was found to hold what its name says. */
  isSound(path: string, stat: FileStat): boolean {
    return this.#verdict(path, stat) === "sound";
  }

  /** Whether the file, as it is now, was found to hold something else. */
  isSpoilt(path: string, stat: FileStat): boolean {
    return this.#verdict(path, stat) === "spoilt";
  }

  /**
   * Notes how the hash of a file came out that was as `stat` says when the hash was begun. One that changed so recently
   * that a further change might not show is not remembered as sound.
   */
  mark(path: string, stat: FileStat, verdict: Verdict): void {
    if (verdict === "sound" && Date.now() - stat.mtimeMs < SETTLED_AGE) return;
    this.#verdicts.set(path, { identity: identityOf(stat), verdict });
  }

  #verdict(path: string, stat: FileStat): Verdict | undefined {
    const known = this.#verdicts.get(path);
    return known?.identity === identityOf(stat) ? known.verdict : undefined;
  }
}

function identityOf(stat: FileStat): string {
  return `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeMs}`;
}
