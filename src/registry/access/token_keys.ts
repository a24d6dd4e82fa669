import {
  calculateJwkThumbprint,
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  exportJWK,
  generateKeyPair,
  importJWK,
  importPKCS8,
  type JSONWebKeySet,
  type JWK,
  type JWSHeaderParameters,
  type JWTVerifyGetKey,
} from "jose";
import { AuthError } from "../../errors.ts";

/** A key as a JWK (RFC 7517). */
export interface RegistryJwk {
  /** The type of the key: `OKP` or `EC`, for trusted keys also `RSA`. */
  readonly kty?: string;
  /** The curve of an `OKP` or `EC` key: `Ed25519`, `P-256`. */
  readonly crv?: string;
  /** The public half of an `OKP` or `EC` key, in base64url. */
  readonly x?: string;
  /** The second part of the public half of an `EC` key, in base64url. */
  readonly y?: string;
  /** The modulus of an `RSA` key, in base64url. */
  readonly n?: string;
  /** The public exponent of an `RSA` key, in base64url. */
  readonly e?: string;
  /** The private half, in base64url. */
  readonly d?: string;
  /** The algorithm that the key is for. */
  readonly alg?: string;
  /** The use of the key: `sig`. */
  readonly use?: string;
  /** The operations that the key is for; not read. */
  readonly key_ops?: readonly string[];
  /** Whether the key may be exported; not read. */
  readonly ext?: boolean;
  /** The id by which tokens name the key. */
  readonly kid?: string;
}

/** The keys that verify the tokens of other servers: a JWK set, or the URL of one. */
export type TrustedKeys = { readonly keys: readonly RegistryJwk[] } | string;

/** The algorithms that sign the tokens of this registry. */
export type SigningAlgorithm = "EdDSA" | "ES256";

/** A key that signs tokens. */
export interface SigningKey {
  /** The algorithm. */
  readonly algorithm: SigningAlgorithm;
  /** The id of the key: its thumbprint (RFC 7638). */
  readonly id: string;
  /** The private half. */
  readonly key: CryptoKey;
  /** The public half, to be published. */
  readonly publicJwk: JWK;
}

/** The accepted algorithms of tokens, all with public keys. */
export const ALGORITHMS: readonly string[] = ["EdDSA", "Ed25519", "ES256", "ES384", "ES512", "RS256", "RS384", "PS256"];

const HINT = "use a private Ed25519 or P-256 key, as a JWK or as PKCS#8 in PEM";

/** Reads a private key: a JWK as an object or as text, or PKCS#8 in PEM. Generates one if there is none. */
export async function signingKey(source: RegistryJwk | string | undefined): Promise<SigningKey> {
  if (source === undefined) {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    return await described(privateKey, await exportJWK(publicKey), "ES256");
  }
  if (typeof source === "string" && source.includes("-----BEGIN")) return await fromPem(source);
  const jwk = typeof source === "string" ? parseJwk(source) : source as JWK;
  const algorithm = algorithmOf(jwk);
  if (algorithm === undefined || jwk.d === undefined) {
    throw new AuthError("the signing key can't be used", { hint: HINT });
  }
  try {
    return await described(await importJWK({ ...jwk, key_ops: undefined }, algorithm) as CryptoKey, jwk, algorithm);
  } catch (cause) {
    throw new AuthError("the signing key can't be used", { cause, hint: HINT });
  }
}

/** Checks that a key can sign tokens. @throws {AuthError} if it can't. */
export async function checkSigningKey(source: RegistryJwk | string): Promise<void> {
  await signingKey(source);
}

/** Generates a private key, as the text of a JWK. */
export async function generateSigningKey(): Promise<string> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  return JSON.stringify(await exportJWK(privateKey));
}

/** Makes the function that finds the key of a token: the registry's own, or a trusted one. */
export function keyFinder(
  own: () => Promise<SigningKey> | undefined,
  trusted: readonly TrustedKeys[],
  options: { fetch?: typeof fetch },
): JWTVerifyGetKey {
  const sets = trusted.map((set) =>
    typeof set === "string"
      ? createRemoteJWKSet(new URL(set), options.fetch ? { [customFetch]: options.fetch } : {})
      : createLocalJWKSet(set as JSONWebKeySet)
  );
  return async (header, token) => {
    const mine = await own();
    if (mine && header.kid === mine.id) return await importJWK(mine.publicJwk, mine.algorithm);
    let failure: unknown = new AuthError("no key is trusted to sign tokens");
    for (const set of sets) {
      try {
        return await set(header as JWSHeaderParameters, token);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  };
}

async function fromPem(pem: string): Promise<SigningKey> {
  for (const algorithm of ["EdDSA", "ES256"] as const) {
    try {
      const key = await importPKCS8(pem, algorithm, { extractable: true });
      return await described(key, await exportJWK(key), algorithm);
    } catch {
      // The key may be of the other algorithm.
    }
  }
  throw new AuthError("the signing key can't be used", { hint: HINT });
}

async function described(key: CryptoKey, jwk: JWK, algorithm: SigningAlgorithm): Promise<SigningKey> {
  const { kty, crv, x, y } = jwk;
  const bare = { kty, crv, x, ...(y === undefined ? {} : { y }) } as JWK;
  const id = await calculateJwkThumbprint(bare);
  return { algorithm, id, key, publicJwk: { ...bare, kid: id, alg: algorithm, use: "sig" } };
}

function parseJwk(text: string): JWK {
  try {
    const value = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // The error below covers it.
  }
  throw new AuthError("the signing key is neither JSON nor PEM", { hint: HINT });
}

function algorithmOf({ kty, crv }: JWK): SigningAlgorithm | undefined {
  if (kty === "OKP" && crv === "Ed25519") return "EdDSA";
  return kty === "EC" && crv === "P-256" ? "ES256" : undefined;
}
