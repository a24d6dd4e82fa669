import { auth } from "hono/utils/basic-auth";
import { refuse } from "../http/reply.ts";
import type { Credentials, Users } from "./users.ts";

/** Reads the basic credentials of a request; `undefined` if there are none, `"malformed"` if they can't be read. */
export function basicCredentials(request: Request): Credentials | undefined | "malformed" {
  if (!request.headers.has("Authorization")) return undefined;
  const credentials = auth(request);
  if (!credentials) return "malformed";
  const { username: user, password } = credentials;
  // Some clients without credentials send empty ones.
  return user === "" && password === "" ? undefined : { user, password };
}

/**
 * Returns the user of a request, `undefined` if it has no credentials, or the response that refuses wrong credentials
 * with the challenge.
 */
export async function signedInUser(
  users: Users,
  { request, address, challenge }: { request: Request; address?: string; challenge: string },
): Promise<{ user: string | undefined } | Response> {
  const credentials = basicCredentials(request);
  if (credentials === undefined) return { user: undefined };
  if (credentials === "malformed") return unauthorized(challenge, "the credentials can't be read");
  return await signIn(users, { credentials, address, challenge });
}

/** Verifies credentials; see {@linkcode signedInUser}. */
export async function signIn(
  users: Users,
  { credentials, address, challenge }: { credentials: Credentials; address?: string; challenge: string },
): Promise<{ user: string } | Response> {
  const verdict = await users.verify(credentials, address);
  if (verdict === "right") return { user: credentials.user };
  if (verdict === "wrong") return unauthorized(challenge, "the user or the password is wrong");
  return refuse(429, "TOOMANYREQUESTS", {
    message: "too many wrong passwords; wait before the next",
    headers: { "Retry-After": String(Math.ceil(verdict.waitMs / 1000)) },
  });
}

/** Answers a request that lacks valid credentials (RFC 9110, section 11.6.1). */
export function unauthorized(challenge: string, message = "sign-in is required"): Response {
  return refuse(401, "UNAUTHORIZED", { message, headers: { "WWW-Authenticate": challenge } });
}

/** Answers a request whose user lacks a permission. */
export function denied(): Response {
  return refuse(403, "DENIED", { message: "this user may not do that here" });
}

/** Makes the challenge for a name and a password. */
export function basicChallenge(realm: string): string {
  return `Basic realm="${quotable(realm)}"`;
}

/** Escapes a text for a quoted string in a header. */
export function quotable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?").replaceAll(/["\\]/g, "\\$&");
}
