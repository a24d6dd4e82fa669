import { AuthError } from "../../errors.ts";
import { askFields } from "../ask_server.ts";
import type { Expiring } from "../renewing.ts";
import { type Surroundings, tokenFromFile } from "../surroundings.ts";
import { type AwsCredentials, readAwsCredentials } from "./credentials.ts";

const WHO = "AWS's container credentials server";
const RELATIVE = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
/** The hosts of ECS and EKS; other hosts need https, except for loopback. */
const HOSTS = new Set(["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "localhost", "[::1]"]);

/** Returns the keys of an ECS task or of a pod with EKS Pod Identity; `undefined` if the environment has no server. */
export async function containerCredentials(surroundings: Surroundings): Promise<Expiring<AwsCredentials> | undefined> {
  const { environment } = surroundings;
  const url = containerUrl(environment);
  if (url === undefined) return undefined;
  const token = await tokenFromFile("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", surroundings) ??
    (environment("AWS_CONTAINER_AUTHORIZATION_TOKEN") || undefined);
  const answer = await askFields({
    who: WHO,
    url,
    headers: token === undefined ? {} : { authorization: token },
    secrets: token === undefined ? [] : [token],
    timeoutMs: 5000,
  }, surroundings);
  return readAwsCredentials(answer, `the answer of ${WHO}`);
}

function containerUrl(environment: Surroundings["environment"]): URL | undefined {
  const relative = environment(RELATIVE);
  if (relative) {
    if (!relative.startsWith("/")) throw new AuthError(`${RELATIVE} does not begin with a slash`);
    return new URL(`http://169.254.170.2${relative}`);
  }
  const full = environment(FULL);
  if (!full) return undefined;
  if (!URL.canParse(full)) throw new AuthError(`${FULL} is not a URL`);
  const url = new URL(full);
  const isSafe = url.protocol === "https:" || HOSTS.has(url.hostname) || /^127\.[\d.]+$/.test(url.hostname);
  if (!isSafe || !/^https?:$/.test(url.protocol)) {
    throw new AuthError(`${FULL} names ${url.origin}, which is neither https nor on this machine`);
  }
  return url;
}
