import { BoundedMap } from "../../../io/mod.ts";
import type { FileStat } from "../../../runtime/mod.ts";

/** The result of a comparison of a file with its digest. */
type FileState = "sound" | "spoilt";

/** The most files that are remembered; others are hashed again. */
const CAPACITY = 20_000;

/** The age of a change, in milliseconds, at which any later change has another time, even by a coarse clock. */
export const SETTLED_AGE = 2_000;

/** Remembers which files were hashed, with the result, for as long as they do not change. */
export class VerifiedFiles {
  readonly #verdicts = new BoundedMap<string, { identity: string; verdict: FileState }>(CAPACITY);

  /** Returns whether the file in its present state was found to have its digest. */
  isSound(path: string, stat: FileStat): boolean {
    return this.#verdict(path, stat) === "sound";
  }

  /** Returns whether the file in its present state was found to have another digest. */
  isSpoilt(path: string, stat: FileStat): boolean {
    return this.#verdict(path, stat) === "spoilt";
  }

  /**
   * Notes the result for a file in the state of `stat`, which was read before the file was hashed. A file that changed so
   * recently that another change might not show is not remembered as sound.
   */
  mark(path: string, stat: FileStat, verdict: FileState): void {
    if (verdict === "sound" && Date.now() - stat.mtimeMs < SETTLED_AGE) return;
    this.#verdicts.set(path, { identity: identityOf(stat), verdict });
  }

  #verdict(path: string, stat: FileStat): FileState | undefined {
    const known = this.#verdicts.get(path);
    return known?.identity === identityOf(stat) ? known.verdict : undefined;
  }
}

function identityOf(stat: FileStat): string {
  return `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeMs}`;
}
