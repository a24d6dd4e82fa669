import { AuthError } from "../../errors.ts";
import { isObject } from "../../io/mod.ts";
import { askFields, secretUrl } from "../ask_server.ts";
import { type AuthConfig, normalizeAuth } from "../auth_config.ts";
import type { AwsCredentials } from "../aws/credentials.ts";
import { serviceUrl } from "../aws/place.ts";
import { signAws } from "../aws/sign.ts";
import { numberField, textField } from "../fields.ts";
import type { Expiring } from "../renewing.ts";
import type { Surroundings } from "../surroundings.ts";
import type { EcrService } from "./ecr_host.ts";

const TARGETS: Readonly<Record<EcrService["name"], string>> = {
  "ecr": "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
  "ecr-public": "SpencerFrontendService.GetAuthorizationToken",
};
/** The lifetime of ECR's credentials. */
const LIFE_MS = 12 * 60 * 60 * 1000;

/** Returns the credentials for a registry of ECR (GetAuthorizationToken): user `AWS`, and a password for 12 hours. */
export async function authorizationToken(
  service: EcrService,
  credentials: AwsCredentials,
  surroundings: Surroundings,
): Promise<Expiring<AuthConfig>> {
  const { name, region } = service;
  const { environment, now } = surroundings;
  const variable = name === "ecr" ? "ECR" : "ECR_PUBLIC";
  const url = secretUrl(serviceUrl(variable, service.url, environment), `AWS_ENDPOINT_URL_${variable}`);
  const body = "{}";
  const plain = { "content-type": "application/x-amz-json-1.1", "x-amz-target": TARGETS[name] };
  const signed = await signAws({ method: "POST", url, headers: plain, body }, {
    credentials,
    region,
    service: name,
    now,
  });
  const who = name === "ecr" ? "AWS's container registry" : "AWS's public container registry";
  const { secretAccessKey, sessionToken = "" } = credentials;
  const answer = await askFields({
    who,
    method: "POST",
    url,
    headers: Object.fromEntries(signed),
    body,
    secrets: [secretAccessKey, sessionToken],
  }, surroundings);
  const source = `the answer of ${who}`;
  // A list in one API, a single object in the other.
  const data = Array.isArray(answer.authorizationData) ? answer.authorizationData[0] : answer.authorizationData;
  if (!isObject(data)) throw new AuthError(`${source}: "authorizationData" is missing`);
  const value = decoded(textField(data, "authorizationToken", source), source);
  const seconds = numberField(data, "expiresAt");
  return { value, expiresAt: seconds === undefined ? now() + LIFE_MS : seconds * 1000 };
}

function decoded(auth: string, source: string): AuthConfig {
  try {
    return normalizeAuth({ auth }, source);
  } catch {
    throw new AuthError(`${source}: "authorizationToken" is not base64 of a name and a password`);
  }
}
