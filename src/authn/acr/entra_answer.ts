import { type Fields, numberField, textField } from "../fields.ts";
import type { Expiring } from "../renewing.ts";
import type { Surroundings } from "../surroundings.ts";

/** How long a token is believed in of which nobody says how long it lives. */
const UNKNOWN_LIFE_S = 300;

/** The token of Entra ID (Azure Active Directory) in an answer; its end is given as a moment, or as a life. */
export function readEntraToken(answer: Fields, who: string, { now }: Pick<Surroundings, "now">): Expiring<string> {
  const value = textField(answer, "access_token", `the answer of ${who}`);
  const life = numberField(answer, "expires_in");
  const end = numberField(answer, "expires_on");
  if (life === undefined && end !== undefined) return { value, expiresAt: end * 1000 };
  return { value, expiresAt: now() + (life ?? UNKNOWN_LIFE_S) * 1000 };
}
