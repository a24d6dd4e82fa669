import { type Fields, numberField, textField } from "../fields.ts";
import type { Expiring } from "../renewing.ts";
import type { Surroundings } from "../surroundings.ts";

/** The lifetime of a token without an expiry. */
const UNKNOWN_LIFE_S = 300;

/** Reads a token of Entra ID (Azure Active Directory). Its expiry is either a time or a lifetime. */
export function readEntraToken(answer: Fields, who: string, { now }: Pick<Surroundings, "now">): Expiring<string> {
  const value = textField(answer, "access_token", `the answer of ${who}`);
  const life = numberField(answer, "expires_in");
  const end = numberField(answer, "expires_on");
  if (life === undefined && end !== undefined) return { value, expiresAt: end * 1000 };
  return { value, expiresAt: now() + (life ?? UNKNOWN_LIFE_S) * 1000 };
}
