import { jwtVerify, type JWTVerifyGetKey, SignJWT } from "jose";
import { BoundedMap } from "../../io/mod.ts";
import type { AccessScope } from "./access.ts";
import { ALGORITHMS, type SigningKey } from "./token_keys.ts";

/** The claims of a token. */
export interface TokenClaims {
  /** The user; `undefined` for a client that is not signed in. */
  readonly user: string | undefined;
  /** The scopes that it grants. */
  readonly access: readonly AccessScope[];
}

/** A token that this registry issued. */
export interface SignedToken {
  /** The token. */
  readonly text: string;
  /** The time when it was issued, in milliseconds since 1970. */
  readonly issuedAt: number;
}

/** The most verified tokens that are remembered: clients send the same one with every request. */
const MOST_KNOWN = 2_000;
const TOLERANCE_S = 5;

/** Issues a token in the form of the token specification (distribution, "Token Authentication Implementation"). */
export async function signToken(
  { algorithm, id, key }: SigningKey,
  claims: TokenClaims,
  options: { issuer: string; service: string; lifetimeS: number; now: number },
): Promise<SignedToken> {
  const { issuer, service, lifetimeS, now } = options;
  const seconds = Math.floor(now / 1000);
  const text = await new SignJWT({ access: claims.access })
    .setProtectedHeader({ alg: algorithm, kid: id, typ: "JWT" })
    .setIssuer(issuer)
    .setSubject(claims.user ?? "")
    .setAudience(service)
    .setIssuedAt(seconds)
    .setNotBefore(seconds)
    .setExpirationTime(seconds + lifetimeS)
    .setJti(crypto.randomUUID())
    .sign(key);
  return { text, issuedAt: seconds * 1000 };
}

/** Verifies tokens: the signature of a trusted key, the issuer, the service and the time. */
export class TokenReader {
  readonly #options: { keys: JWTVerifyGetKey; issuers: readonly string[]; service: string; clock: () => number };
  readonly #known = new BoundedMap<string, { readonly claims: TokenClaims; readonly expires: number }>(MOST_KNOWN);

  /** Makes a reader with no tokens remembered. */
  constructor(options: { keys: JWTVerifyGetKey; issuers: readonly string[]; service: string; clock: () => number }) {
    this.#options = options;
  }

  /** Returns the claims of a token, or `undefined` if it is not valid. */
  async read(token: string): Promise<TokenClaims | undefined> {
    const { keys, issuers, service, clock } = this.#options;
    const now = clock();
    const known = this.#known.get(token);
    if (known && known.expires > now) return known.claims;
    this.#known.delete(token);
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: [...ALGORITHMS],
        issuer: [...issuers],
        audience: service,
        requiredClaims: ["exp"],
        clockTolerance: TOLERANCE_S,
        currentDate: new Date(now),
      });
      const claims = { user: payload.sub || undefined, access: scopesOf(payload.access) };
      this.#known.set(token, { claims, expires: payload.exp! * 1000 });
      return claims;
    } catch {
      return undefined;
    }
  }
}

/** Returns whether the scopes of a token include a scope. */
export function covers(access: readonly AccessScope[], { type, name, actions }: AccessScope): boolean {
  const granted = access.filter((entry) => entry.type === type && entry.name === name).flatMap((entry) =>
    entry.actions
  );
  return granted.includes("*") || actions.every((action) => granted.includes(action));
}

function scopesOf(value: unknown): AccessScope[] {
  if (!Array.isArray(value)) return [];
  return value.filter((entry): entry is AccessScope =>
    typeof entry?.type === "string" && typeof entry.name === "string" && Array.isArray(entry.actions)
  );
}
