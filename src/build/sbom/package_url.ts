import type { LockedPackage } from "../locked_package.ts";

/**
 * Returns the package URL (purl) of a package. The list of types has none for JSR, and readers refuse or pass over types
 * that they do not know, so packages of JSR and workspaces have the type `generic`, which all of them read.
 */
export function packageUrl({ name, version, from, paths }: LockedPackage): string {
  const path = name.split("/").map(encoded).join("/");
  const at = `${path}@${encoded(version)}`;
  if (from === "npm") return `pkg:npm/${at}`;
  if (from === "jsr") return `pkg:generic/jsr/${at}`;
  return `pkg:generic/${at}#${paths[0].split("/").map(encoded).join("/")}`;
}

/** Returns the package URL of the application. */
export function applicationUrl(name: string, version: string): string {
  return `pkg:generic/${name.split("/").map(encoded).join("/")}@${encoded(version)}`;
}

function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll("%3A", ":");
}
