import { UsageError } from "../src/errors.ts";
import { wrongArgument } from "../src/spec/internal.ts";
import { type NameOptions, parseRegistry, parseRepository, type Registry, type Repository } from "../src/name/mod.ts";

/** The root of a recursive copy's source or target: a repository with those below it, or a registry. */
export type CopyRoot = Registry | Repository;

/**
 * Parses a root: a host alone is a registry, anything else a repository. Returns a parsed one as it is.
 *
 * @throws {NameError} if it is not valid.
 * @throws {TypeError} if it is neither a string nor a registry nor a repository.
 */
export function parseRoot(text: CopyRoot | string, options: NameOptions = {}): CopyRoot {
  if (typeof text !== "string") {
    if (["registry", "repository"].includes(Object(text).kind)) return text;
    throw wrongArgument("a registry or a repository, as a string or parsed,", text);
  }
  const name = text.replace(/\/$/, "");
  return isHost(name) ? parseRegistry(name, options) : parseRepository(name, options);
}

/** Returns whether a name without a slash is a host and not a repository of Docker Hub. */
function isHost(name: string): boolean {
  return !name.includes("/") && (name === "localhost" || /[.:]/.test(name));
}

/** The mapping from source to target repositories. */
export class CopyRoute {
  /** The root of the source. */
  readonly source: CopyRoot;
  /** The root of the target. */
  readonly target: CopyRoot;
  readonly #sourcePath: string;
  readonly #targetPath: string;

  /**
   * Creates the mapping between two roots. A repository keeps its path relative to the source below the target; if the
   * target is a registry, it keeps its whole path.
   *
   * @throws {UsageError} if both are the same, unless that is allowed.
   */
  constructor(source: CopyRoot, target: CopyRoot, { sameRepository = false } = {}) {
    this.source = source;
    this.target = target;
    this.#targetPath = pathOf(target);
    this.#sourcePath = target.kind === "repository" ? pathOf(source) : "";
    if (sameRepository) return;
    if (registryOf(source).name === registryOf(target).name && this.#targetPath === this.#sourcePath) {
      throw new UsageError(`${target} would be copied to itself`, { hint: "name another repository or registry" });
    }
  }

  /** Returns whether a repository of the source's registry should be copied, which excludes copies of this mapping. */
  isSource(repository: Repository): boolean {
    const inside = registryOf(this.source).name === registryOf(this.target).name &&
      isBelow(this.#targetPath, this.#sourcePath);
    return !(inside && isBelow(repository.path, this.#targetPath));
  }

  /** Returns the target of a source repository. @throws {NameError} if its name is not valid. */
  targetOf({ path }: Repository): Repository {
    return registryOf(this.target).repository(moved(path, this.#sourcePath, this.#targetPath));
  }

  /** Returns the source of a target repository, or `undefined` if it has none. */
  sourceOf(target: Repository): Repository | undefined {
    if (!isBelow(target.path, this.#targetPath)) return undefined;
    const source = registryOf(this.source);
    const path = moved(target.path, this.#targetPath, this.#sourcePath);
    // A registry has no repository that maps to the target's own path.
    if (path === "" || !isBelow(path, pathOf(this.source))) return undefined;
    // Within one registry the source may be below the target, and is not a copy then.
    const inside = source.name === registryOf(this.target).name && isBelow(this.#sourcePath, this.#targetPath);
    return inside && isBelow(target.path, this.#sourcePath) ? undefined : source.repository(path);
  }
}

/** Returns the registry of a root. */
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
