import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { decodeBase64 } from "@std/encoding/base64";
import { AuthError } from "../../errors.ts";
import { ANONYMOUS } from "./access_rules.ts";

/** A stored password, hashed or plain. */
export type StoredPassword =
  | { readonly kind: "bcrypt" | "sha"; readonly text: string }
  | { readonly kind: "plain"; readonly text: string };

const BCRYPT = /^\$2[aby]\$(?:0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/;
const SHA = /^\{SHA\}[A-Za-z0-9+/]{27}=$/;

/**
 * Reads a file of Apache's `htpasswd`: lines of `user:password`, where the password is hashed with bcrypt (`htpasswd
 * -B`) or SHA-1 (`htpasswd -s`). Empty lines and lines that start with `#` are skipped.
 *
 * @param what the name of the file in an error
 * @throws {AuthError} if a line has another form.
 */
export function parsePasswordFile(text: string, what = "the htpasswd file"): Map<string, StoredPassword> {
  const users = new Map<string, StoredPassword>();
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const place = `${what}, line ${index + 1}`;
    const colon = line.indexOf(":");
    if (colon < 1) throw new AuthError(`${place}: the line is not user:password`);
    const user = line.slice(0, colon);
    if (user === ANONYMOUS) throw reservedName(place);
    users.set(user, storedPassword(line.slice(colon + 1), `${place}: the password of ${user}`));
  }
  return users;
}

/** Makes the error for a user with the name that rules reserve for every client. */
export function reservedName(place: string): AuthError {
  return new AuthError(`${place}: no user can have the name ${ANONYMOUS}, which stands for every client`);
}

function storedPassword(text: string, what: string): StoredPassword {
  if (BCRYPT.test(text)) return { kind: "bcrypt", text };
  if (SHA.test(text)) return { kind: "sha", text };
  throw new AuthError(`${what} is not hashed with bcrypt or SHA-1`, {
    hint: "set it with htpasswd -B, which is bcrypt",
  });
}

/** Compares a password with a stored one. */
export async function isPassword(password: string, stored: StoredPassword): Promise<boolean> {
  switch (stored.kind) {
    case "bcrypt": {
      const { compare } = await import("bcryptjs");
      return await compare(password, stored.text);
    }
    case "sha":
      return timingSafeEqual(await hashOf(password, "SHA-1"), decodeBase64(stored.text.slice("{SHA}".length)));
    case "plain": // as hashes, so that the time does not depend on the lengths either
      return timingSafeEqual(await hashOf(password, "SHA-256"), await hashOf(stored.text, "SHA-256"));
  }
}

function hashOf(text: string, algorithm: "SHA-1" | "SHA-256"): Promise<ArrayBuffer> {
  return crypto.subtle.digest(algorithm, new TextEncoder().encode(text));
}
