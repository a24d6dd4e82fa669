import { isObject } from "../../io/mod.ts";
import type { LockedPackage } from "../locked_package.ts";

/**
 * Returns whether a package has an install script: as the lock has it, else as its package.json and files have it.
 * npm compiles a package with a binding.gyp also without a script.
 */
export function hasInstallScript(
  locked: Pick<LockedPackage, "hasInstallScript">,
  manifest: Readonly<Record<string, unknown>>,
  files: readonly { readonly path: string }[],
): boolean {
  if (locked.hasInstallScript !== undefined) return locked.hasInstallScript;
  const scripts = isObject(manifest.scripts) ? manifest.scripts : {};
  if (["preinstall", "install", "postinstall"].some((name) => typeof scripts[name] === "string")) return true;
  return manifest.gypfile !== false && files.some(({ path }) => path === "binding.gyp");
}
