import { GcraneError, UsageError } from "../src/errors.ts";
import { type NameOptions, parseReference } from "../src/name/mod.ts";
import { type Hash, isHash } from "../src/spec/mod.ts";
import type { GcPins } from "./gc_rules.ts";

/**
 * Parses a list of content in use: on each line a reference by tag or by digest, or a digest alone, in the form of a
 * cluster's status. Skips a scheme like `docker-pullable://`, empty lines and lines that start with `#`. A reference by
 * tag and digest is used by its digest. A digest alone applies to every repository.
 *
 * @param what the name of the list in an error: its file
 * @throws {UsageError} for any other line, as content in use must not be overlooked.
 */
export function parsePins(text: string, what: string, options: NameOptions = {}): GcPins {
  const digests = new Set<Hash>();
  const tags = new Set<string>();
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    const name = line.trim().replace(/^[a-z][a-z0-9+.-]*:\/\//, "");
    if (name === "" || name.startsWith("#")) continue;
    if (isHash(name)) {
      digests.add(name);
      continue;
    }
    try {
      const reference = parseReference(name, options);
      if (reference.kind === "digest") digests.add(reference.identifier);
      else tags.add(reference.name);
    } catch (cause) {
      if (!(cause instanceof GcraneError)) throw cause;
      throw new UsageError(`${what}, line ${at + 1}: ${cause.message}`, {
        cause,
        hint: "each line is registry/repository:tag, registry/repository@sha256:… or sha256:…",
      });
    }
  }
  return { digests, tags };
}

/** Merges several lists. */
export function joinPins(lists: readonly GcPins[]): GcPins {
  return {
    digests: new Set(lists.flatMap(({ digests }) => [...digests])),
    tags: new Set(lists.flatMap(({ tags }) => [...tags])),
  };
}
