import type { Repository } from "./reference.ts";

/** What a token allows in a repository (distribution-spec, token scope documentation). */
export type Action = "pull" | "push" | "delete" | "*";

/** The scope of a token that lists all repositories of a registry. */
export const CATALOG_SCOPE = "registry:catalog:*";

/** The scope of a token for some actions in a repository: `repository:PATH:ACTIONS`. */
export function scope(repository: Repository, actions: readonly Action[]): string {
  return `repository:${repository.path}:${actions.join(",")}`;
}

/** The scope of a token that pulls from a repository. */
export function pullScope(repository: Repository): string {
  return scope(repository, ["pull"]);
}
