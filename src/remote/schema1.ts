import { decodeBase64Url } from "@std/encoding/base64url";
import { ManifestError } from "../errors.ts";
import { type Bytes, concat } from "../runtime/mod.ts";
import { parseJsonObject } from "../spec/mod.ts";

/**
 * What a signed schema 1 manifest signs, and what its digest is of: the manifest without its signatures. Each signature
 * says how many bytes of the whole that is, and what comes after them.
 *
 * @throws {ManifestError} when no signature says so.
 */
export function signedPayload(bytes: Bytes, what: string): Bytes {
  const { signatures } = parseJsonObject(bytes, what);
  const first = Array.isArray(signatures) ? signatures[0] as { protected?: unknown } : undefined;
  const header = typeof first?.protected === "string" ? base64Url(first.protected) : undefined;
  if (header) {
    const { formatLength, formatTail } = parseJsonObject(header, `the signature of ${what}`);
    const tail = typeof formatTail === "string" ? base64Url(formatTail) : undefined;
    if (tail && Number.isSafeInteger(formatLength) && formatLength as number >= 0) {
      return concat([bytes.subarray(0, formatLength as number), tail]);
    }
  }
  throw new ManifestError(`${what} is a signed schema 1 manifest whose signature can't be read`);
}

function base64Url(text: string): Bytes | undefined {
  try {
    return decodeBase64Url(text);
  } catch {
    return undefined;
  }
}
