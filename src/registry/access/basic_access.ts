import type { AccessQuestion, RegistryAccess, RegistryCaller } from "./access.ts";
import { type AccessRule, AccessRules } from "./access_rules.ts";
import { basicChallenge, denied, signedInUser, unauthorized } from "./door.ts";
import { Users, type UsersOptions } from "./users.ts";

/** Options of {@linkcode basicAccess}. */
export interface BasicAccessOptions extends UsersOptions {
  /**
   * The rules.
   * @default every signed-in user may do everything
   */
  rules?: readonly AccessRule[];
  /**
   * Whether every client may pull, and list the catalog. Docker asks for a password even so; it pulls without one
   * only from a registry with {@linkcode tokenAccess}.
   * @default false
   */
  anonymousPull?: boolean;
  /**
   * The realm of the challenge.
   * @default "gcrane"
   */
  realm?: string;
}

/**
 * Makes an access control by passwords (RFC 7617). Without TLS, passwords can be read on the way.
 *
 * @throws {AuthError} if the text of `htpasswd` is malformed.
 *
 * @example
 * ```ts
 * import { basicAccess, createRegistry } from "@gcrane/gcrane/registry";
 *
 * const registry = createRegistry({ access: basicAccess({ users: { alice: "secret" } }) });
 * const refused = await registry.fetch("http://registry.example.com/v2/");
 * console.log(refused.status, refused.headers.get("WWW-Authenticate")); // 401 Basic realm="gcrane"
 *
 * const headers = { Authorization: `Basic ${btoa("alice:secret")}` };
 * const response = await registry.fetch("http://registry.example.com/v2/", { headers });
 * console.log(response.status); // 200
 * ```
 */
export function basicAccess(options: BasicAccessOptions): RegistryAccess {
  const users = new Users(options);
  const rules = new AccessRules(options.rules, options);
  const challenge = basicChallenge(options.realm ?? "gcrane");
  return {
    async admit(question: AccessQuestion): Promise<RegistryCaller | Response> {
      const signedIn = await signedInUser(users, { ...question, challenge });
      if (signedIn instanceof Response) return signedIn;
      const { user } = signedIn;
      const { needs } = question;
      // Clients learn only from `/v2/` that they may have to sign in, so it challenges every client.
      if (user === undefined && needs.length === 0) return unauthorized(challenge);
      if (needs.every((need) => rules.allow(user, need))) return { user, may: (scope) => rules.allow(user, scope) };
      return user === undefined ? unauthorized(challenge) : denied();
    },
  };
}
