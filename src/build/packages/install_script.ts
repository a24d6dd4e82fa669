import { isObject } from "../../io/mod.ts";
import type { LockedPackage } from "../locked_package.ts";

/**
 * Returns whether a package has an install script: as the lock has it, else by its package.json and files.
 * npm compiles a package with a binding.gyp also without a script.
 */
export function hasInstallScript(
  locked: Pick<LockedPackage, "hasInstallScript">,
  manifest: Readonly<Record<string, unknown>>,
  hasBindingGyp: boolean,
): boolean {
  if (locked.hasInstallScript !== undefined) return locked.hasInstallScript;
  const scripts = isObject(manifest.scripts) ? manifest.scripts : {};
  if (["preinstall", "install", "postinstall"].some((name) => typeof scripts[name] === "string")) return true;
  return manifest.gypfile !== false && hasBindingGyp;
}
