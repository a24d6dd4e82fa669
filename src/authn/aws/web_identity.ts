import { askText, secretUrl } from "../ask_server.ts";
import type { Expiring } from "../renewing.ts";
import { type Surroundings, tokenFromFile } from "../surroundings.ts";
import { type AwsCredentials, readAwsCredentials } from "./credentials.ts";
import { type AwsPlace, serviceUrl } from "./place.ts";

const WHO = "AWS's security token service";

/**
 * Returns the temporary keys of a role for the token of an identity provider, as in a pod of EKS
 * (AssumeRoleWithWebIdentity); `undefined` if the environment names no role or no file.
 */
export async function webIdentityCredentials(
  place: AwsPlace,
  surroundings: Surroundings,
): Promise<Expiring<AwsCredentials> | undefined> {
  const { environment, now } = surroundings;
  const role = environment("AWS_ROLE_ARN");
  const token = role && await tokenFromFile("AWS_WEB_IDENTITY_TOKEN_FILE", surroundings);
  if (!role || !token) return undefined;
  const region = environment("AWS_REGION") || environment("AWS_DEFAULT_REGION") || place.region;
  const url = serviceUrl("STS", `https://sts.${region}.${place.suffix}/`, environment);
  const body = new URLSearchParams({
    Action: "AssumeRoleWithWebIdentity",
    Version: "2011-06-15",
    RoleArn: role,
    RoleSessionName: environment("AWS_ROLE_SESSION_NAME") || `gcrane-${now()}`,
    WebIdentityToken: token,
  });
  const question = {
    who: WHO,
    method: "POST",
    url: secretUrl(url, "AWS_ENDPOINT_URL_STS"),
    body,
    secrets: [token],
  } as const;
  return readAnswer(await askText(question, surroundings));
}

/** Reads the answer in XML. None of the four texts needs escapes. */
function readAnswer(xml: string): Expiring<AwsCredentials> {
  const field = (name: string) => new RegExp(`<${name}>\\s*([^<\\s]+)\\s*</${name}>`).exec(xml)?.[1];
  return readAwsCredentials({
    AccessKeyId: field("AccessKeyId"),
    SecretAccessKey: field("SecretAccessKey"),
    Token: field("SessionToken"),
    Expiration: field("Expiration"),
  }, `the answer of ${WHO}`);
}
