import { decodeBase64 } from "@std/encoding/base64";
import { encodeHex } from "@std/encoding/hex";
import { PackageError } from "../../errors.ts";
import type { Bytes } from "../../runtime/mod.ts";

/** The algorithms of Subresource Integrity and the older one of npm, the strongest first, and Web Crypto's names. */
const ALGORITHMS = { sha512: "SHA-512", sha384: "SHA-384", sha256: "SHA-256", sha1: "SHA-1" } as const;

/** The algorithm of a hash. */
export type IntegrityAlgorithm = keyof typeof ALGORITHMS;

/** The lengths of the hashes in hexadecimal digits. */
const LENGTHS: Readonly<Record<IntegrityAlgorithm, number>> = { sha512: 128, sha384: 96, sha256: 64, sha1: 40 };

/** The hashes of one algorithm, in hexadecimal digits. */
export interface Integrity {
  algorithm: IntegrityAlgorithm;
  /** Each is as good. */
  digests: readonly string[];
}

/**
 * Reads a text of Subresource Integrity, and returns what counts: the hashes of the strongest algorithm. Returns
 * `undefined` if it has none that is known.
 */
export function parseIntegrity(text: string): Integrity | undefined {
  const all = text.trim().split(/\s+/).map((each) => /^([a-z0-9]+)-([A-Za-z0-9+/=_-]+)(?:\?.*)?$/.exec(each));
  for (const algorithm of Object.keys(ALGORITHMS) as IntegrityAlgorithm[]) {
    const digests = all.filter((each) => each?.[1] === algorithm).map((each) => hexOf(each![2]))
      .filter((hex) => hex?.length === LENGTHS[algorithm]) as string[];
    if (digests.length > 0) return { algorithm, digests };
  }
  return undefined;
}

function hexOf(base64: string): string | undefined {
  try {
    return encodeHex(decodeBase64(base64));
  } catch {
    return undefined;
  }
}

/**
 * Verifies the bytes of a package's tarball.
 *
 * @throws {PackageError} if the hash differs.
 */
export async function verifyIntegrity(bytes: Bytes, { algorithm, digests }: Integrity, what: string): Promise<void> {
  const actual = encodeHex(await crypto.subtle.digest(ALGORITHMS[algorithm], bytes));
  if (digests.includes(actual)) return;
  throw new PackageError(`${what} has the ${algorithm} hash ${actual} where ${digests[0]} was promised`, {
    hint: "the registry has another tarball than the lock was made with: find out why before you make the lock again",
  });
}
