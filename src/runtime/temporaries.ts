import { nodeModule } from "./host.ts";
import { baseName, dirName, joinPath } from "./paths.ts";

/** Paths of files and directories that should not outlive the work in flight. */
const temporaries = new Set<string>();

/** A hidden name beside the path that nothing else has. */
export function temporaryPath(path: string): string {
  return joinPath(dirName(path), `.${baseName(path).slice(0, 100)}.${crypto.randomUUID().slice(0, 13)}.tmp`);
}

/** Notes a path that is to go if the program is interrupted. */
export function registerTemporary(path: string): void {
  temporaries.add(path);
}

/** Takes a path off the list: it is gone, or it is there to stay. */
export function forgetTemporary(path: string): void {
  temporaries.delete(path);
}

/**
 * Removes every temporary file and directory in flight, at once and without failing: for the handler of an
 * interrupt, before the program ends.
 */
export function removeTemporaries(): void {
  if (temporaries.size === 0) return;
  const fs = nodeModule("node:fs");
  for (const path of temporaries) {
    try {
      fs?.rmSync(path, { recursive: true, force: true });
    } catch {
      // What can't be removed stays: the program is about to end and has no one to tell.
    }
  }
  temporaries.clear();
}
