import type { Repository } from "./reference.ts";

/** An action that a token allows in a repository (distribution's "Token Scope Documentation"). */
export type Action = "pull" | "push" | "delete" | "*";

/** The scope of a token that lists all repositories of a registry. */
export const CATALOG_SCOPE = "registry:catalog:*";

/** Returns the scope of a token for some actions in a repository: `repository:PATH:ACTIONS`. */
export function scope(repository: Repository, actions: readonly Action[]): string {
  return `repository:${repository.path}:${actions.join(",")}`;
}

/** Returns the scope of a token that pulls from a repository. */
export function pullScope(repository: Repository): string {
  return scope(repository, ["pull"]);
}
