import { askFields, type Question } from "../ask_server.ts";
import { type Fields, numberField, textField } from "../fields.ts";
import type { Expiring } from "../renewing.ts";
import type { Surroundings } from "../surroundings.ts";

/** The scope of Google's tokens: everything that the account may do, registries included. */
export const CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform";

/** A token of Google and its expiry. */
export type AccessToken = Expiring<string>;

/** The origin of a credential, and what it may use. */
export interface CredentialContext {
  /** Its name in an error: the path of its file. */
  readonly source: string;
  /** The surroundings. */
  readonly surroundings: Surroundings;
}

/** The lifetime of a token without one (the shortest of Google's is longer). */
const UNKNOWN_LIFE_S = 300;

/** Requests a token from an OAuth 2.0 token server (RFC 6749, section 5.1). */
export async function askAccessToken(question: Question, surroundings: Surroundings): Promise<AccessToken> {
  return readAccessToken(await askFields(question, surroundings), question.who, surroundings);
}

/** Reads the token in an answer of an OAuth 2.0 token server. */
export function readAccessToken(answer: Fields, who: string, { now }: Pick<Surroundings, "now">): AccessToken {
  const value = textField(answer, "access_token", `the answer of ${who}`);
  const seconds = numberField(answer, "expires_in") ?? UNKNOWN_LIFE_S;
  return { value, expiresAt: now() + seconds * 1000 };
}
