import { AuthError } from "../../errors.ts";
import { askFields, askText, secretUrl } from "../ask_server.ts";
import { type AwsCredentials, environmentCredentials, readAwsCredentials } from "../aws/credentials.ts";
import { signAws } from "../aws/sign.ts";
import { type Fields, optionalTextField } from "../fields.ts";
import type { CredentialContext } from "./access_token.ts";

/** Options of {@linkcode awsSubjectToken}. */
export interface AwsSubjectOptions extends CredentialContext {
  /** The full name of the workload identity pool's provider. */
  readonly audience: string;
}

const VERIFICATION_URL = "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15";
const WHO = "AWS's metadata server";

/**
 * Returns AWS's proof of identity: a signed request to AWS, which Google sends. Keys and region are those of the
 * environment, else of the machine's metadata server.
 */
export async function awsSubjectToken(from: Fields, options: AwsSubjectOptions): Promise<string> {
  const { source, surroundings: { now }, audience } = options;
  if (from.environment_id !== "aws1") throw new AuthError(`${source}: "environment_id" is not "aws1"`);
  const { credentials, region } = await identity(from, options);
  const url = new URL(
    (optionalTextField(from, "regional_cred_verification_url", source) ?? VERIFICATION_URL).replace("{region}", region),
  );
  const headers = await signAws({
    method: "POST",
    url,
    headers: { "x-goog-cloud-target-resource": audience },
    body: "",
  }, {
    credentials,
    region,
    service: "sts",
    now,
  });
  const listed = [...headers, ["host", url.host]].map(([key, value]) => ({ key, value }));
  return encodeURIComponent(JSON.stringify({ url: url.href, method: "POST", headers: listed }));
}

async function identity(
  from: Fields,
  { source, surroundings }: CredentialContext,
): Promise<{ credentials: AwsCredentials; region: string }> {
  const { environment } = surroundings;
  const credentials = environmentCredentials(environment);
  const region = environment("AWS_REGION") || environment("AWS_DEFAULT_REGION");
  if (credentials !== undefined && region) return { credentials, region };

  const urlOf = (name: string) => {
    const url = optionalTextField(from, name, source);
    return url === undefined ? undefined : secretUrl(url, `${source}: "${name}"`);
  };
  const [sessionUrl, roleUrl, regionUrl] = ["imdsv2_session_token_url", "url", "region_url"].map(urlOf);
  if ((credentials === undefined && !roleUrl) || (!region && !regionUrl)) {
    throw new AuthError(`${source} names no URL for AWS's region and keys, and they are not in the environment`);
  }
  const headers: Record<string, string> = {};
  if (sessionUrl !== undefined) {
    headers["x-aws-ec2-metadata-token"] = await askText({
      who: WHO,
      method: "PUT",
      url: sessionUrl,
      headers: { "x-aws-ec2-metadata-token-ttl-seconds": "300" },
    }, surroundings);
  }
  return {
    credentials: credentials ?? await askCredentials(roleUrl!, headers, surroundings),
    // The answer is a zone, `eu-central-1b`.
    region: region || (await askText({ who: WHO, url: regionUrl!, headers }, surroundings)).trim().slice(0, -1),
  };
}

async function askCredentials(
  url: URL,
  headers: Record<string, string>,
  surroundings: CredentialContext["surroundings"],
): Promise<AwsCredentials> {
  const role = (await askText({ who: WHO, url, headers }, surroundings)).trim();
  const answer = await askFields({ who: WHO, url: `${url.href}/${encodeURIComponent(role)}`, headers }, surroundings);
  return readAwsCredentials(answer, `the answer of ${WHO}`).value;
}
