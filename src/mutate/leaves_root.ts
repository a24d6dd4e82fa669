/**
 * Whether a link leads out of the root by the `..` in it (security rule 10). A symbolic link starts at its own
 * directory, or at the root if it is absolute; what an absolute one leads to is for whoever unpacks to say.
 */
export function symlinkLeavesRoot(path: string, linkname: string): boolean {
  if (linkname.startsWith("/") || !linkname.includes("..")) return false;
  return climbs([...path.split("/").slice(0, -1), ...linkname.split("/")]);
}

/** The same for a hard link, which starts at the root. */
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
