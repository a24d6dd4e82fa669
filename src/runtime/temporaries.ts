import { nodeModule } from "./host.ts";
import { baseName } from "./paths.ts";

/** Paths of temporary files and directories in use. */
const temporaries = new Set<string>();

/** Registers a path to be removed if the program is interrupted. */
export function registerTemporary(path: string): void {
  temporaries.add(path);
}

/** Unregisters a path that was removed or became permanent. */
export function forgetTemporary(path: string): void {
  temporaries.delete(path);
}

/** Returns the paths of the temporary files and directories that are neither removed nor permanent. */
export function temporariesInUse(): string[] {
  return [...temporaries];
}

/** Returns whether a name in a directory is that of a temporary file or directory in use; these names are unique. */
export function isTemporaryInUse(name: string): boolean {
  for (const path of temporaries) if (baseName(path) === name) return true;
  return false;
}

/**
 * Removes every registered file and directory synchronously and without failing: for the handler of an interrupt,
 * before the program ends.
 */
export function removeTemporaries(): void {
  if (temporaries.size === 0) return;
  const fs = nodeModule("node:fs");
  for (const path of temporaries) {
    try {
      fs?.rmSync(path, { recursive: true, force: true });
    } catch {
      // A path that can't be removed stays, as the program is about to end.
    }
  }
  temporaries.clear();
}
