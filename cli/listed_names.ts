import type { RepositoryListing } from "../gcr/mod.ts";
import { NameError } from "../src/errors.ts";
import type { Repository } from "../src/name/mod.ts";
import { oneLine, truncate } from "./terminal_text.ts";

/** The most names in a warning. */
const MOST_SHOWN = 3;

/**
 * Leaves out the names of a registry's list that the distribution-spec does not allow: they can hold control characters,
 * and no request can name them.
 */
export class ListedNames {
  readonly #refused: string[] = [];

  /** Returns whether a name is allowed. @param check throws a `NameError` if it is not */
  allows(name: string, check: (name: string) => unknown): boolean {
    try {
      check(name);
      return true;
    } catch (error) {
      if (!(error instanceof NameError)) throw error;
      this.#refused.push(name);
      return false;
    }
  }

  /** Returns the listing of a repository without such names. */
  allowedIn(repository: Repository, listing: RepositoryListing): RepositoryListing {
    const isTag = (name: string) => this.allows(name, (tag) => repository.tag(tag));
    const isChild = (name: string) =>
      this.allows(name, (child) => repository.registry.repository(`${repository.path}/${child}`));
    const isDigest = (name: string) => this.allows(name, (digest) => repository.digest(digest));
    const { tags, child, manifest } = listing;
    return {
      ...listing,
      tags: tags.filter(isTag),
      ...(child && { child: child.filter(isChild) }),
      ...(manifest && {
        manifest: Object.fromEntries(
          Object.entries(manifest).filter(([digest]) => isDigest(digest)).map(([digest, info]) =>
            [digest, info.tag ? { ...info, tag: info.tag.filter(isTag) } : info] as const
          ),
        ),
      }),
    };
  }

  /** Warns of the names that were left out, if any. */
  report(list: string, warn: (message: string) => void): void {
    const refused = [...new Set(this.#refused)];
    if (refused.length === 0) return;
    const shown = refused.slice(0, MOST_SHOWN).map((name) => oneLine(truncate(JSON.stringify(name), 60)));
    const more = refused.length > MOST_SHOWN ? ", …" : "";
    warn(`${list} has ${refused.length} names that can't be names, left out here: ${shown.join(", ")}${more}`);
  }
}
