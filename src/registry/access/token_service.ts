import { LimitError } from "../../errors.ts";
import { Limits, readAll } from "../../io/mod.ts";
import type { AccessScope } from "./access.ts";
import { type SignedToken, signToken, type TokenClaims } from "./access_token.ts";
import type { AccessRules } from "./access_rules.ts";
import { basicChallenge, basicCredentials, signIn, unauthorized } from "./door.ts";
import { refuse, replyJson } from "../http/reply.ts";
import { isRepositoryName } from "../content/names.ts";
import type { SigningKey } from "./token_keys.ts";
import type { Credentials, Users } from "./users.ts";

/** The parts of a token service. */
export interface TokenServiceContext {
  readonly users: Users;
  readonly rules: AccessRules;
  readonly key: () => Promise<SigningKey>;
  readonly issuer: string;
  readonly service: string;
  readonly lifetimeS: number;
  readonly clock: () => number;
}

/** The most scopes of a token, which has to fit into a header. */
const MOST_SCOPES = 50;

/**
 * Answers `/token`: GET with basic credentials or none, and POST with a form of the grant type `password` (distribution,
 * "Token Authentication Specification" and "Oauth2 Token Authentication"). The token grants those
 * of the requested scopes that the user has, which may be none.
 */
export async function answerToken(
  context: TokenServiceContext,
  { request, url, address }: { request: Request; url: URL; address?: string },
): Promise<Response> {
  const asked = await readRequest(request, url);
  if (asked instanceof Response) return asked;
  const { credentials, parameters } = asked;
  const { users, rules, service } = context;
  const named = parameters.get("service");
  if (named !== null && named !== service) {
    return refuse(400, "UNSUPPORTED", { message: `this token service is for the service ${service}` });
  }
  const challenge = basicChallenge(service);
  let user: string | undefined;
  if (credentials) {
    const signedIn = await signIn(users, { credentials, address, challenge });
    if (signedIn instanceof Response) return signedIn;
    ({ user } = signedIn);
  } else if (!rules.admitsAnonymous) {
    return unauthorized(challenge);
  }
  const access = parameters.getAll("scope").flatMap((text) => text.split(" ")).slice(0, MOST_SCOPES)
    .flatMap((text) => {
      const scope = parseScope(text);
      const actions = scope ? rules.allowed(user, scope) : [];
      return scope && actions.length > 0 ? [{ ...scope, actions }] : [];
    });
  return replyToken(context, await makeToken(context, { user, access }));
}

/** Reads `repository:team/app:pull,push`; `undefined` if it is not a scope of this registry. */
export function parseScope(text: string): AccessScope | undefined {
  const match = /^(repository|registry):([^:]+):([a-z*,]+)$/.exec(text);
  if (!match) return undefined;
  const [, type, name, actions] = match;
  if (type === "repository" && !isRepositoryName(name)) return undefined;
  return { type: type as AccessScope["type"], name, actions: actions.split(",") };
}

async function makeToken(context: TokenServiceContext, claims: TokenClaims): Promise<SignedToken> {
  const { issuer, service, lifetimeS, clock } = context;
  return await signToken(await context.key(), claims, { issuer, service, lifetimeS, now: clock() });
}

function replyToken({ lifetimeS }: TokenServiceContext, { text, issuedAt }: SignedToken): Response {
  const issued = new Date(issuedAt).toISOString().replace(/\.\d+Z$/, "Z");
  const answer = { token: text, access_token: text, expires_in: lifetimeS, issued_at: issued };
  return replyJson(answer, { headers: { "Cache-Control": "no-store" } });
}

async function readRequest(
  request: Request,
  url: URL,
): Promise<{ credentials: Credentials | undefined; parameters: URLSearchParams } | Response> {
  if (request.method === "POST") return await readForm(request);
  if (request.method !== "GET") {
    return refuse(405, "UNSUPPORTED", {
      message: "a token request is GET or POST",
      headers: { "Allow": "GET, POST" },
    });
  }
  const credentials = basicCredentials(request);
  if (credentials === "malformed") return unauthorized(basicChallenge("token"), "the credentials can't be read");
  return { credentials, parameters: url.searchParams };
}

async function readForm(
  request: Request,
): Promise<{ credentials: Credentials | undefined; parameters: URLSearchParams } | Response> {
  let text: string;
  try {
    const body = request.body
      ? await readAll(request.body, { limit: Limits.message, what: "the form" })
      : new Uint8Array();
    text = new TextDecoder().decode(body);
  } catch (error) {
    const [status, message] = error instanceof LimitError
      ? [413, "the form is too large"]
      : [400, "the form could not be read to its end"];
    return refuse(status as number, "UNSUPPORTED", { message: message as string });
  }
  const parameters = new URLSearchParams(text);
  if (parameters.get("grant_type") !== "password") {
    return refuse(400, "UNSUPPORTED", { message: "the grant type has to be password" });
  }
  const [user, password] = [parameters.get("username"), parameters.get("password")];
  return { credentials: user ? { user, password: password ?? "" } : undefined, parameters };
}
