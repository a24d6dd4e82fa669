import { exists, homeDirectory, joinPath } from "../runtime/mod.ts";

/** A path, and the name of an image behind it. */
export interface LocalPath {
  /** The path of a layout or of an archive. */
  readonly path: string;
  /** The name of one image of several in it. */
  readonly tag?: string;
}

/**
 * Splits `PATH:NAME`. Both may have colons, so the shortest path that is there counts, and a path that is there whole
 * counts first; where nothing is there, all of it is a path. `~/` is the home directory.
 */
export async function splitLocalPath(text: string): Promise<LocalPath> {
  const home = /^~[/\\]/.test(text) ? homeDirectory() : undefined;
  const whole = home === undefined ? text : joinPath(home, text.slice(2));
  if (await isThere(whole)) return { path: whole };
  for (let at = whole.indexOf(":"); at >= 0; at = whole.indexOf(":", at + 1)) {
    const path = whole.slice(0, at);
    if (await isThere(path)) return { path, tag: whole.slice(at + 1) };
  }
  return { path: whole };
}

/** Returns a name that no file system takes is not there. */
async function isThere(path: string): Promise<boolean> {
  try {
    return path !== "" && await exists(path);
  } catch {
    return false;
  }
}
