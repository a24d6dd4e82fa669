import { HashError } from "../errors.ts";

/** The digest algorithms that this package computes (image-spec, "Registered algorithms"). */
export type Algorithm = "sha256" | "sha512";

/** A digest as the image-spec writes it: `algorithm:hex`. A plain string, so it works as a key of a `Map`. */
export type Hash = `${Algorithm}:${string}`;

/** The number of hex digits of each algorithm. */
export const HEX_LENGTH: Readonly<Record<Algorithm, number>> = { sha256: 64, sha512: 128 };
const PATTERN = /^(sha256|sha512):([0-9a-f]+)$/;

/** Returns whether `text` is the name of a supported algorithm. */
export function isAlgorithm(text: string): text is Algorithm {
  return Object.hasOwn(HEX_LENGTH, text);
}

/** Returns whether `text` is a digest in lower-case hex of the algorithm's length. */
export function isHash(text: unknown): text is Hash {
  if (typeof text !== "string") return false;
  const match = PATTERN.exec(text);
  return match !== null && match[2].length === HEX_LENGTH[match[1] as Algorithm];
}

/**
 * Parses a digest.
 *
 * @throws {HashError} if `text` is not `sha256:` with 64 or `sha512:` with 128 lower-case hex digits.
 */
export function parseHash(text: string): Hash {
  if (isHash(text)) return text;
  throw new HashError(`${JSON.stringify(text.slice(0, 160))} is not a digest`, {
    hint: "a digest is sha256: and 64 hex digits, or sha512: and 128",
  });
}

/** Returns the algorithm of a digest. */
export function hashAlgorithm(hash: Hash): Algorithm {
  return hash.startsWith("sha512:") ? "sha512" : "sha256";
}

/** Returns the hex digits of a digest. */
export function hashHexDigits(hash: Hash): string {
  return hash.slice(hash.indexOf(":") + 1);
}
