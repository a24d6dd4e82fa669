import { HttpError, NetworkError } from "../../errors.ts";
import { ask, askFields, secretUrl } from "../ask_server.ts";
import type { Expiring } from "../renewing.ts";
import type { Surroundings } from "../surroundings.ts";
import { readEntraToken } from "./entra_answer.ts";

const MACHINE = "http://169.254.169.254/metadata/identity/oauth2/token";
const WHO = "Azure's metadata server";
/** Elsewhere the address may not answer at all. */
const PROBE_MS = 1000;
/** A metadata server may need some time for its first token. */
const TOKEN_MS = 10_000;

/**
 * Returns the token of a managed identity, from the server of App Service, Functions or Container Apps, else from the
 * metadata server of a machine, which has a second to answer a probe. `undefined` if there is no such server or no
 * identity.
 */
export async function managedIdentityToken(
  resource: string,
  surroundings: Surroundings,
): Promise<Expiring<string> | undefined> {
  const { environment } = surroundings;
  const endpoint = environment("IDENTITY_ENDPOINT");
  const secret = environment("IDENTITY_HEADER");
  if (endpoint && secret) {
    const url = withQuery(secretUrl(endpoint, "IDENTITY_ENDPOINT"), "2019-08-01", resource, environment);
    return await token({ url, headers: { "x-identity-header": secret }, secrets: [secret] }, surroundings);
  }
  const url = withQuery(new URL(MACHINE), "2018-02-01", resource, environment);
  if (!await isThere(url, surroundings)) return undefined;
  try {
    return await token({ url, headers: { metadata: "true" } }, surroundings);
  } catch (error) {
    // The server's answer if the machine has no identity.
    if (error instanceof HttpError && error.status === 400) return undefined;
    throw error;
  }
}

interface Asked {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
}

async function token(asked: Asked, surroundings: Surroundings): Promise<Expiring<string>> {
  return readEntraToken(await askFields({ who: WHO, timeoutMs: TOKEN_MS, ...asked }, surroundings), WHO, surroundings);
}

function withQuery(url: URL, version: string, resource: string, environment: Surroundings["environment"]): URL {
  url.searchParams.set("api-version", version);
  url.searchParams.set("resource", resource);
  const clientId = environment("AZURE_CLIENT_ID");
  if (clientId) url.searchParams.set("client_id", clientId);
  return url;
}

/** Without its required header Azure's server answers 400 at once; those of other clouds at the same address do not. */
async function isThere(url: URL, surroundings: Surroundings): Promise<boolean> {
  try {
    await ask({ who: WHO, url, timeoutMs: PROBE_MS, attempts: 1 }, surroundings);
    return true;
  } catch (error) {
    if (error instanceof HttpError) return error.status === 400;
    if (error instanceof NetworkError) return false;
    throw error;
  }
}
