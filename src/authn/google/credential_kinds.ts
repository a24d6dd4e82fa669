import { AuthError } from "../../errors.ts";
import { isObject } from "../../io/mod.ts";
import { type Fields, textField } from "../fields.ts";
import type { AccessToken, CredentialContext } from "./access_token.ts";
import { externalAccountToken } from "./external_account.ts";
import { impersonate } from "./impersonation.ts";
import { authorizedUserToken, externalUserToken } from "./refresh_token.ts";
import { serviceAccountToken } from "./service_account.ts";

type KeyExchange = (key: Fields, context: CredentialContext) => Promise<AccessToken>;

const KINDS: Readonly<Record<string, KeyExchange>> = {
  service_account: serviceAccountToken,
  authorized_user: authorizedUserToken,
  external_account: externalAccountToken,
  external_account_authorized_user: externalUserToken,
  impersonated_service_account: impersonatedToken,
};

/** Returns the token for a credentials file, by its `type`. @throws {AuthError} if the type is not known. */
export async function tokenOfKey(key: Fields, context: CredentialContext): Promise<AccessToken> {
  const { source } = context;
  const type = textField(key, "type", source);
  if (!Object.hasOwn(KINDS, type)) {
    throw new AuthError(`${source}: ${JSON.stringify(type)} is not a known type of Google credentials`, {
      hint: `known are ${Object.keys(KINDS).join(", ")}`,
    });
  }
  return await KINDS[type](key, context);
}

/** Returns the token of a service account that another identity, in the same file, impersonates. */
async function impersonatedToken(key: Fields, context: CredentialContext): Promise<AccessToken> {
  const { source } = context;
  const { source_credentials: inner, delegates } = key;
  if (!isObject(inner)) throw new AuthError(`${source}: "source_credentials" is missing`);
  if (inner.type === "impersonated_service_account") {
    throw new AuthError(`${source}: "source_credentials" are impersonated themselves`, { hint: `use "delegates"` });
  }
  const { value } = await tokenOfKey(inner, { ...context, source: `${source}: "source_credentials"` });
  return await impersonate(value, {
    ...context,
    url: textField(key, "service_account_impersonation_url", source),
    delegates: Array.isArray(delegates) ? delegates.filter((each) => typeof each === "string") : [],
  });
}
