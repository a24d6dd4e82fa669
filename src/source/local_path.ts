import { exists, homeDirectory, joinPath } from "../runtime/mod.ts";

/** A path, and the name of an image in it. */
export interface LocalPath {
  /** The path of a layout or of an archive. */
  readonly path: string;
  /** The name of one of several images at the path. */
  readonly tag?: string;
}

/**
 * Splits `PATH:NAME`. Both parts may contain colons: an existing path of the whole text is preferred, then the shortest
 * existing prefix; if none exists, all of the text is the path. The colon of a drive letter separates nothing. `~/` is the home directory.
 */
export async function splitLocalPath(text: string): Promise<LocalPath> {
  const home = /^~[/\\]/.test(text) ? homeDirectory() : undefined;
  const whole = home === undefined ? text : joinPath(home, text.slice(2));
  if (await isThere(whole)) return { path: whole };
  const drive = /^[A-Za-z]:[/\\]/.test(whole) ? 2 : 0;
  for (let at = whole.indexOf(":", drive); at >= 0; at = whole.indexOf(":", at + 1)) {
    const path = whole.slice(0, at);
    if (await isThere(path)) return { path, tag: whole.slice(at + 1) };
  }
  return { path: whole };
}

/** A name that the file system rejects does not exist. */
async function isThere(path: string): Promise<boolean> {
  try {
    return path !== "" && await exists(path);
  } catch {
    return false;
  }
}
