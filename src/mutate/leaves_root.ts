/**
 * Returns whether a symbolic link leads out of the root by its `..` (security rule 10). It starts at its own
 * directory; an absolute one starts at the root, which the program that unpacks determines.
 */
export function symlinkLeavesRoot(path: string, linkname: string): boolean {
  if (linkname.startsWith("/") || !linkname.includes("..")) return false;
  return climbs([...path.split("/").slice(0, -1), ...linkname.split("/")]);
}

/** Returns whether a hard link leads out of the root, where it starts. */
export function hardLinkLeavesRoot(linkname: string): boolean {
  return linkname.includes("..") && climbs(linkname.split("/"));
}

function climbs(segments: readonly string[]): boolean {
  let depth = 0;
  for (const segment of segments) {
    if (segment === "..") depth--;
    else if (segment !== "" && segment !== ".") depth++;
    if (depth < 0) return true;
  }
  return false;
}
