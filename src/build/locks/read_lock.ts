import { LockError } from "../../errors.ts";
import type { Lock } from "../locked_package.ts";
import type { ProjectFiles } from "../project_files.ts";
import { textOf } from "./fields.ts";
import { type Manifests, readManifests } from "./manifests.ts";
import { readBunLock } from "./bun_lock.ts";
import { readPnpmLock } from "./pnpm_lock.ts";
import { readDenoLock } from "./deno_lock.ts";
import { readNpmLock } from "./npm_lock.ts";
import { readYarnLock } from "./yarn_lock.ts";

/** Options of {@linkcode readLock}. */
export interface ReadLockOptions {
  /**
   * The name of the lock file, for a project that has several.
   *
   * @default the only one, or the one of package.json's `packageManager`
   */
  file?: string;
}

/** Reads the text of a lock file; the project's package.json files have what some forms leave out. */
type LockReader = (text: string, file: string, manifests: Manifests) => Lock | Promise<Lock>;

/** The lock files by their names. Of npm's two the first holds if both are there. */
const READERS: ReadonlyMap<string, { manager: Lock["manager"]; read: LockReader }> = new Map([
  ["npm-shrinkwrap.json", { manager: "npm", read: readNpmLock }],
  ["package-lock.json", { manager: "npm", read: readNpmLock }],
  ["pnpm-lock.yaml", { manager: "pnpm", read: readPnpmLock }],
  ["yarn.lock", { manager: "yarn", read: readYarnLock }],
  ["bun.lock", { manager: "bun", read: readBunLock }],
  ["deno.lock", { manager: "deno", read: readDenoLock }],
]);

/**
 * Finds the lock file of a project and reads its production set: the packages that `dependencies`,
 * `optionalDependencies` and peers of the project and of its workspaces lead to.
 *
 * @throws {LockError} if there is no lock file, if there are several and package.json does not choose, or if it can't
 * be read.
 */
export async function readLock(files: ProjectFiles, options: ReadLockOptions = {}): Promise<Lock> {
  const names = (await files.list("")).filter(({ type }) => type === "file").map(({ path }) => path);
  const manifests = await readManifests(files);
  const file = options.file ?? chooseLock(names, manifests);
  const reader = READERS.get(file);
  const bytes = await files.read(file);
  if (bytes === undefined) throw new LockError(`there is no ${file}`, { hint: "run the package manager's install" });
  if (reader === undefined) throw unsupported(file);
  return await reader.read(new TextDecoder().decode(bytes), file, manifests);
}

function chooseLock(names: readonly string[], manifests: Manifests): string {
  const found = [...READERS.keys()].filter((name) => names.includes(name));
  if (found[0] === "npm-shrinkwrap.json" && found[1] === "package-lock.json") found.splice(1, 1);
  const [manager] = (textOf(manifests.get("") ?? {}, "packageManager") ?? "").split("@");
  const chosen = found.filter((name) => READERS.get(name)!.manager === manager);
  if (chosen.length === 1) return chosen[0];
  if (found.length === 1) return found[0];
  if (found.length > 1) {
    throw new LockError(`there are several lock files: ${found.join(", ")}`, {
      hint: "remove those that are not in use, or name the manager as packageManager in package.json",
    });
  }
  if (names.includes("bun.lockb")) throw unsupported("bun.lockb");
  throw new LockError(`there is no lock file`, {
    hint: `run the package manager's install, which writes one of ${[...READERS.keys()].join(", ")}`,
  });
}

function unsupported(file: string): LockError {
  return file === "bun.lockb"
    ? new LockError("bun.lockb is Bun's older, binary lock file, which is not supported", {
      hint: 'run "bun install --save-text-lockfile --frozen-lockfile --lockfile-only", which writes bun.lock',
    })
    : new LockError(`${file} is not the name of a lock file`, {
      hint: `name one of ${[...READERS.keys()].join(", ")}`,
    });
}
