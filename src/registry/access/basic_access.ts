import type { AccessQuestion, RegistryAccess, RegistryCaller } from "./access.ts";
import { type AccessRule, AccessRules } from "./access_rules.ts";
import { basicChallenge, denied, signedInUser, unauthorized } from "./door.ts";
import { Users, type UsersOptions } from "./users.ts";

/** Options of {@linkcode basicAccess}. */
export interface BasicAccessOptions extends UsersOptions {
  /**
   * Who may do what where.
   * @default whoever signed in may do everything
   */
  rules?: readonly AccessRule[];
  /**
   * Whether everybody may pull, and see the catalog. Docker itself asks for a password even so: it takes
   * {@linkcode tokenAccess} for it to pull from a registry where others push.
   * @default false
   */
  anonymousPull?: boolean;
  /**
   * What the challenge calls the registry.
   * @default "gcrane"
   */
  realm?: string;
}

/**
 * Lets in whoever has a password (RFC 7617). Without TLS in front of it passwords can be read on the way.
 *
 * @throws {AuthError} when a text of `htpasswd` is given and wrong.
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
      // Clients learn from `/v2/` alone that they may have to sign in, so it asks everybody to.
      if (user === undefined && needs.length === 0) return unauthorized(challenge);
      if (needs.every((need) => rules.allow(user, need))) return { user, may: (scope) => rules.allow(user, scope) };
      return user === undefined ? unauthorized(challenge) : denied();
    },
  };
}
