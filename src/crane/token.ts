import { parseRepository, type Repository, scope } from "../name/mod.ts";
import { Connection } from "../transport/mod.ts";
import { type CraneOptions, repositoryOf } from "./options.ts";

/** Options of {@linkcode token}. */
export interface TokenOptions extends CraneOptions {
  /**
   * Whether the token is to allow a push.
   * @default false
   */
  push?: boolean;
  /**
   * Further repositories that the token is to allow to read, to mount from.
   * @default none
   */
  mount?: readonly (Repository | string)[];
}

/**
 * What a client would send as its authorization header for a repository: `Bearer …` or `Basic …`; `undefined` when the
 * registry asks for none.
 */
export async function token(repository: Repository | string, options: TokenOptions = {}): Promise<string | undefined> {
  const target = repositoryOf(repository, options);
  const scopes = [
    scope(target, options.push ? ["push", "pull"] : ["pull"]),
    ...(options.mount ?? []).map((text) => scope(parseRepository(text, options), ["pull"])),
  ];
  const connection = new Connection(target.registry, options);
  return await connection.authorization(target.path, scopes, options);
}
