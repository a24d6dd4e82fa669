import { exists, joinPath, stat } from "../runtime/mod.ts";

/** What a name stands for when it is that of a path. */
export interface LocalName {
  /** The path of a layout or of a tarball. */
  readonly path: string;
  /** The name of an image in it. */
  readonly tag?: string;
}

/** How a path begins that can't be taken for a reference. */
const PATH = /^\.{0,2}\//;
/** How a file is called that is taken for a tarball when it is there. */
const TARBALL = /\.(tar|tgz|tzst|tar\.\w+)$/;

/**
 * The path that a name stands for, and the name of an image behind it: `./app.tar`, `layout`, `./app.tar:example.com/app`.
 * A path begins with `/`, `./` or `../`, or is that of a layout, or of a file called like a tarball, that is there.
 * `undefined` for a reference.
 */
export async function localName(name: string): Promise<LocalName | undefined> {
  if (await isThere(name)) return { path: name };
  for (let at = name.indexOf(":"); at >= 0; at = name.indexOf(":", at + 1)) {
    const path = name.slice(0, at);
    if (await isThere(path)) return { path, tag: name.slice(at + 1) };
  }
  return PATH.test(name) ? { path: name } : undefined;
}

async function isThere(name: string): Promise<boolean> {
  if (!await exists(name)) return false;
  const { kind } = await stat(name);
  if (kind === "directory") return PATH.test(name) || await exists(joinPath(name, "oci-layout"));
  return PATH.test(name) || TARBALL.test(name);
}
