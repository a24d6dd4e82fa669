import { parseRepository, type Repository, scope } from "../name/mod.ts";
import { connect } from "../transport/internal.ts";
import { type CraneOptions, repositoryOf } from "./options.ts";

/** Options of {@linkcode token}. */
export interface TokenOptions extends CraneOptions {
  /**
   * Whether the token should allow a push.
   *
   * @default false
   */
  push?: boolean;
  /**
   * Further repositories that the token should allow to read, as sources of mounts.
   *
   * @default none
   */
  mount?: readonly (Repository | string)[];
}

/**
 * Returns the authorization header for a repository: `Bearer …` or `Basic …`, or `undefined` if the registry requires
 * none.
 */
export async function token(repository: Repository | string, options: TokenOptions = {}): Promise<string | undefined> {
  const target = repositoryOf(repository, options);
  const scopes = [
    scope(target, options.push ? ["push", "pull"] : ["pull"]),
    ...(options.mount ?? []).map((text) => scope(parseRepository(text, options), ["pull"])),
  ];
  const connection = await connect(target, options);
  return await connection.authorization(target.path, scopes, options);
}
