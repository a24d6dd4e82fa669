import { UsageError } from "../src/errors.ts";
import { wrongArgument } from "../src/spec/mod.ts";
import { type NameOptions, parseRegistry, parseRepository, type Registry, type Repository } from "../src/name/mod.ts";

/** Where a recursive copy begins or ends: a repository with those below it, or a registry. */
export type CopyRoot = Registry | Repository;

/**
 * Reads a root: a host alone is a registry, anything else a repository. One that was parsed is returned as it is.
 *
 * @throws {NameError} when it is neither.
 */
export function parseRoot(text: CopyRoot | string, options: NameOptions = {}): CopyRoot {
  if (typeof text !== "string") {
    if (["registry", "repository"].includes(Object(text).kind)) return text;
    throw wrongArgument("a registry or a repository, as a string or parsed,", text);
  }
  const name = text.replace(/\/$/, "");
  return isHost(name) ? parseRegistry(name, options) : parseRepository(name, options);
}

/** Whether a name without a slash is that of a host and not of one of Docker Hub's repositories. */
function isHost(name: string): boolean {
  return !name.includes("/") && (name === "localhost" || /[.:]/.test(name));
}

/** Which repository is copied to which. */
export class CopyRoute {
  /** Where it begins. */
  readonly source: CopyRoot;
  /** Where it ends. */
  readonly target: CopyRoot;
  readonly #sourcePath: string;
  readonly #targetPath: string;

  /**
   * Makes the way between two roots. What is below the source keeps its path below the target. Where the target is a
   * registry, the whole path is kept.
   *
   * @throws {UsageError} when both are the same.
   */
  constructor(source: CopyRoot, target: CopyRoot) {
    this.source = source;
    this.target = target;
    this.#targetPath = pathOf(target);
    this.#sourcePath = target.kind === "repository" ? pathOf(source) : "";
    if (registryOf(source).name === registryOf(target).name && this.#targetPath === this.#sourcePath) {
      throw new UsageError(`${target} would be copied to itself`, { hint: "name another repository or registry" });
    }
  }

  /** Whether a repository of the source's registry is to be copied: not one that is a copy itself. */
  isSource(repository: Repository): boolean {
    const inside = registryOf(this.source).name === registryOf(this.target).name &&
      isBelow(this.#targetPath, this.#sourcePath);
    return !(inside && isBelow(repository.path, this.#targetPath));
  }

  /** Where a repository of the source goes. @throws {NameError} when there can be no such name. */
  targetOf({ path }: Repository): Repository {
    return registryOf(this.target).repository(moved(path, this.#sourcePath, this.#targetPath));
  }

  /** What is copied to a repository of the target; `undefined` when nothing could be. */
  sourceOf(target: Repository): Repository | undefined {
    if (!isBelow(target.path, this.#targetPath)) return undefined;
    const source = registryOf(this.source);
    const path = moved(target.path, this.#targetPath, this.#sourcePath);
    // No repository of a registry is copied to the very path that the registry goes to.
    if (path === "" || !isBelow(path, pathOf(this.source))) return undefined;
    // Within one registry the source may be below the target, and is no copy then.
    const inside = source.name === registryOf(this.target).name && isBelow(this.#sourcePath, this.#targetPath);
    return inside && isBelow(target.path, this.#sourcePath) ? undefined : source.repository(path);
  }
}

/** The registry of a root. */
export function registryOf(root: CopyRoot): Registry {
  return root.kind === "repository" ? root.registry : root;
}

function pathOf(root: CopyRoot): string {
  return root.kind === "repository" ? root.path : "";
}

function isBelow(path: string, root: string): boolean {
  return root === "" || path === root || path.startsWith(`${root}/`);
}

function moved(path: string, from: string, to: string): string {
  const rest = from === "" ? path : path.slice(from.length + 1);
  return to === "" ? rest : rest === "" ? to : `${to}/${rest}`;
}
