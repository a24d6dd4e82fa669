import { decodeBase64 } from "@std/encoding/base64";
import { AuthError } from "../../errors.ts";

/**
 * A text in PEM (RFC 7468), if it holds what it has to: runtimes say little of one that is broken, or ignore it.
 *
 * @param what `CERTIFICATE`, or `PRIVATE KEY` for a key of any kind.
 * @param source where the text is from, for the error message.
 * @throws {AuthError} when it doesn't; the message holds nothing of it.
 */
export function checkPem(text: string, what: "CERTIFICATE" | "PRIVATE KEY", source: string): string {
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/g)];
  const found = blocks.filter(([, label]) => label.endsWith(what));
  if (found.length > 0 && found.every(([, , body]) => isAsn1(body))) return text;
  const name = what === "CERTIFICATE" ? "certificate" : "private key";
  throw new AuthError(`${source} is no ${name} in PEM`, { hint: `it begins with -----BEGIN ${what}-----` });
}

/** Whether a body is a sequence of ASN.1 in base64; the headers of an encrypted key of old may stand before it. */
function isAsn1(body: string): boolean {
  try {
    return decodeBase64(body.replace(/^\s*(?:[\w-]+:.*\s+)+/, "").replace(/\s+/g, ""))[0] === 0x30;
  } catch {
    return false;
  }
}
