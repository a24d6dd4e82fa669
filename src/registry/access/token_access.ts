import { lazy } from "../../io/mod.ts";
import {
  type AccessQuestion,
  type AccessScope,
  type RegistryAccess,
  type RegistryCaller,
  scopeText,
} from "./access.ts";
import { covers, TokenReader } from "./access_token.ts";
import { type AccessRule, AccessRules } from "./access_rules.ts";
import { basicChallenge, denied, quotable, signedInUser, unauthorized } from "./door.ts";
import { replyJson } from "../http/reply.ts";
import { keyFinder, type RegistryJwk, type SigningKey, signingKey, type TrustedKeys } from "./token_keys.ts";
import { answerToken } from "./token_service.ts";
import { Users, type UsersOptions } from "./users.ts";

/** Options of {@linkcode tokenAccess}. */
export interface TokenAccessOptions extends UsersOptions {
  /**
   * The rules, which decide the scopes of the tokens that this registry issues.
   * @default every signed-in user may do everything
   */
  rules?: readonly AccessRule[];
  /**
   * Whether every client may pull, and list the catalog.
   * @default false
   */
  anonymousPull?: boolean;
  /**
   * The private key that tokens are signed with, Ed25519 or P-256, as a JWK or as PKCS#8 in PEM. Servers that share it
   * accept each other's tokens.
   * @default a new P-256 key: tokens end with the process
   */
  signingKey?: RegistryJwk | string;
  /**
   * Public keys of other servers whose tokens are accepted: sets of JWKs (RFC 7517), or URLs of such sets. This registry
   * publishes its own at `/.well-known/jwks.json`.
   * @default none
   */
  trustedKeys?: readonly TrustedKeys[];
  /**
   * The accepted issuers (`iss`); the first is that of the tokens that this registry issues.
   * @default ["gcrane"]
   */
  issuers?: readonly [string, ...string[]];
  /**
   * The service that tokens are for (`aud`).
   * @default "gcrane"
   */
  service?: string;
  /**
   * The URL at which clients get tokens. If it is set, this registry issues no tokens: they come from another server,
   * whose keys have to be among `trustedKeys`.
   * @default `/token` of this registry
   */
  realm?: string;
  /**
   * The URL at which clients reach this registry, if it differs from that of the requests, as behind a proxy that ends
   * TLS.
   * @default that of the request
   */
  publicUrl?: string;
  /**
   * The lifetime of a token in seconds.
   * @default 300
   */
  lifetime?: number;
  /**
   * Fetches sets of keys.
   * @default the global fetch
   */
  fetch?: typeof fetch;
}

/**
 * Makes an access control by tokens (distribution, "Token Authentication Specification"), with a token service for users
 * with passwords and, where rules allow it, for every client.
 *
 * @throws {AuthError} if the text of `htpasswd` is malformed.
 *
 * @example
 * ```ts
 * import { createRegistry, tokenAccess } from "@gcrane/gcrane/registry";
 *
 * const registry = createRegistry({ access: tokenAccess({ users: { alice: "secret" }, anonymousPull: true }) });
 * const { status, headers } = await registry.fetch("http://registry.example.com/v2/");
 * console.log(status, headers.get("WWW-Authenticate"));
 * // 401 Bearer realm="http://registry.example.com/token",service="gcrane"
 * ```
 */
export function tokenAccess(options: TokenAccessOptions): RegistryAccess {
  return new TokenAccess(options);
}

class TokenAccess implements RegistryAccess {
  readonly #options: TokenAccessOptions;
  readonly #users: Users;
  readonly #rules: AccessRules;
  readonly #service: string;
  readonly #issuer: string;
  readonly #key: () => Promise<SigningKey>;
  readonly #reader: TokenReader;

  constructor(options: TokenAccessOptions) {
    const { service = "gcrane", issuers = ["gcrane"], trustedKeys = [], clock = Date.now } = options;
    this.#options = options;
    this.#users = new Users(options);
    this.#rules = new AccessRules(options.rules, options);
    this.#service = service;
    this.#issuer = issuers[0];
    this.#key = lazy(() => signingKey(options.signingKey));
    const keys = keyFinder(() => this.#makesTokens ? this.#key() : undefined, trustedKeys, options);
    this.#reader = new TokenReader({ keys, issuers, service, clock });
  }

  get #makesTokens(): boolean {
    return this.#options.realm === undefined;
  }

  async admit(question: AccessQuestion): Promise<RegistryCaller | Response> {
    const { request, needs } = question;
    const token = /^Bearer +(\S+) *$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
    if (token === undefined) {
      return question.interactive ? await this.#admitPerson(question) : this.#admitAnonymous(question);
    }
    const claims = await this.#reader.read(token);
    if (!claims) return this.#challenge(question, "invalid_token");
    const may = (scope: AccessScope) => covers(claims.access, scope);
    return needs.every(may) ? { user: claims.user, may } : this.#challenge(question, "insufficient_scope");
  }

  async serve(question: Omit<AccessQuestion, "needs">): Promise<Response | undefined> {
    if (!this.#makesTokens) return undefined;
    const { url } = question;
    if (url.pathname === "/.well-known/jwks.json") {
      return replyJson({ keys: [(await this.#key()).publicJwk] }, { type: "application/jwk-set+json" });
    }
    if (url.pathname !== "/token") return undefined;
    const { lifetime = 300, clock = Date.now } = this.#options;
    return await answerToken({
      users: this.#users,
      rules: this.#rules,
      key: this.#key,
      issuer: this.#issuer,
      service: this.#service,
      lifetimeS: lifetime,
      clock,
    }, question);
  }

  /** Admits a request without a token as far as rules allow every client. `/v2/` always challenges: clients learn there that they need a token. */
  #admitAnonymous(question: AccessQuestion): RegistryCaller | Response {
    const { needs, request } = question;
    const may = (scope: AccessScope) => this.#rules.allow(undefined, scope);
    const isAnonymous = request.headers.get("Authorization") === null;
    return isAnonymous && needs.length > 0 && needs.every(may) ? { may } : this.#challenge(question);
  }

  /** Admits a browser, which has no tokens but can ask for a password. */
  async #admitPerson(question: AccessQuestion): Promise<RegistryCaller | Response> {
    const challenge = basicChallenge(this.#service);
    const signedIn = await signedInUser(this.#users, { ...question, challenge });
    if (signedIn instanceof Response) return signedIn;
    const { user } = signedIn;
    const may = (scope: AccessScope) => this.#rules.allow(user, scope);
    if (question.needs.every(may)) return { user, may };
    return user === undefined && this.#users.exist ? unauthorized(challenge) : denied();
  }

  #challenge({ url, needs, wishes = [] }: AccessQuestion, error?: string): Response {
    const realm = this.#options.realm ?? new URL("/token", this.#options.publicUrl ?? url.origin).href;
    const scope = [...needs, ...wishes].map(scopeText).join(" ");
    const parameters = { realm, service: this.#service, ...(scope && { scope }), ...(error && { error }) };
    const text = Object.entries(parameters).map(([name, value]) => `${name}="${quotable(value)}"`).join(",");
    return unauthorized(`Bearer ${text}`, error === "insufficient_scope" ? "the token does not allow that" : undefined);
  }
}
