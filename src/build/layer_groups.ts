/** A package as {@linkcode groupPackages} sees it. */
export interface GroupedPackage {
  readonly name: string;
  /** The bytes of its files, of all its versions. */
  readonly size: number;
  /** Whether it is made for some platforms only. */
  readonly isSpecific: boolean;
}

/** A smaller package is not worth a layer of its own. */
const BIG = 1024 * 1024;

/**
 * Spreads packages over at most so many groups, each of which becomes a layer, and returns the group of each name. The
 * biggest are alone, the others are spread by a hash of their names, and those for some platforms only are apart, so
 * that the other layers are the same on all platforms. Where a package goes depends on as little as possible besides
 * its name, so that another version of it changes one layer.
 */
export function groupPackages(packages: Iterable<GroupedPackage>, most: number): Map<string, string> {
  const named = new Map<string, { size: number; isSpecific: boolean }>();
  for (const { name, size, isSpecific } of packages) {
    const known = named.get(name);
    named.set(name, { size: Math.max(size, known?.size ?? 0), isSpecific: isSpecific || (known?.isSpecific ?? false) });
  }
  const groups = new Map<string, string>();
  const forHash = Math.max(1, Math.floor((most - 1) / 2));
  const alone = Math.max(0, most - 1 - forHash);
  const big = [...named]
    .filter(([, { size, isSpecific }]) => size >= BIG && !isSpecific)
    .sort(([a, { size: x }], [b, { size: y }]) => y - x || (a < b ? -1 : 1));
  for (const [name] of big.slice(0, alone)) groups.set(name, `package ${name}`);
  for (const [name, { isSpecific }] of named) {
    if (groups.has(name)) continue;
    if (isSpecific && most > 1) groups.set(name, "packages for the platform");
    else groups.set(name, `packages ${hashOf(name) % forHash + 1} of ${forHash}`);
  }
  return groups;
}

/** Returns a hash of a text (FNV-1a, 32 bits). */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
