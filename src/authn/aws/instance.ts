import { HttpError, NetworkError } from "../../errors.ts";
import { askFields, askText, secretUrl } from "../ask_server.ts";
import type { Expiring } from "../renewing.ts";
import type { Surroundings } from "../surroundings.ts";
import { type AwsCredentials, readAwsCredentials } from "./credentials.ts";

const WHO = "AWS's metadata server";
const ROLES = "/latest/meta-data/iam/security-credentials/";
/** Elsewhere the address may not answer at all. */
const PROBE_MS = 1000;
const ANSWER_MS = 5000;

/**
 * Returns the keys of the machine's role by IMDSv2: first a session token, then the rest with it. `undefined` if there
 * is no such server, which has a second for the session token, or the machine has no role.
 */
export async function instanceCredentials(surroundings: Surroundings): Promise<Expiring<AwsCredentials> | undefined> {
  const { environment } = surroundings;
  if (environment("AWS_EC2_METADATA_DISABLED")?.toLowerCase() === "true") return undefined;
  const variable = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
  const base = secretUrl(environment(variable) || "http://169.254.169.254", variable);
  const session = await sessionToken(base, surroundings);
  if (session === undefined) return undefined;
  const asking = {
    who: WHO,
    headers: { "x-aws-ec2-metadata-token": session },
    secrets: [session],
    timeoutMs: ANSWER_MS,
  };
  let role: string;
  try {
    role = (await askText({ ...asking, url: new URL(ROLES, base) }, surroundings)).trim().split("\n", 1)[0];
  } catch (error) {
    if (error instanceof HttpError && error.status === 404) return undefined;
    throw error;
  }
  if (role === "") return undefined;
  const url = new URL(`${ROLES}${encodeURIComponent(role)}`, base);
  return readAwsCredentials(await askFields({ ...asking, url }, surroundings), `the answer of ${WHO}`);
}

async function sessionToken(base: URL, surroundings: Surroundings): Promise<string | undefined> {
  try {
    const token = await askText({
      who: WHO,
      method: "PUT",
      url: new URL("/latest/api/token", base),
      headers: { "x-aws-ec2-metadata-token-ttl-seconds": "300" },
      timeoutMs: PROBE_MS,
      attempts: 1,
    }, surroundings);
    return token.trim() || undefined;
  } catch (error) {
    if (error instanceof NetworkError || error instanceof HttpError) return undefined;
    throw error;
  }
}
