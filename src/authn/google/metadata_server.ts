import { AuthError, HttpError, NetworkError } from "../../errors.ts";
import { ask, askFields } from "../ask_server.ts";
import type { Surroundings } from "../surroundings.ts";
import { type AccessToken, CLOUD_PLATFORM, readAccessToken } from "./access_token.ts";

const HEADERS = { "metadata-flavor": "Google" };
const TOKEN_PATH = "/computeMetadata/v1/instance/service-accounts/default/token";
/** Elsewhere the address may not answer at all. */
const PROBE_MS = 1000;
/** A metadata server may need some time for its first token. */
const TOKEN_MS = 10_000;

/**
 * Returns the token of the account of the machine, cluster or service from its metadata server; `undefined` if there is
 * no such server, which has a second to answer a probe, or no account.
 *
 * @throws {AuthError} if there is no metadata server at `GCE_METADATA_HOST`.
 */
export async function metadataToken(surroundings: Surroundings): Promise<AccessToken | undefined> {
  const { environment } = surroundings;
  if (environment("NO_GCE_CHECK") === "true") return undefined;
  const named = environment("GCE_METADATA_HOST");
  const host = named || "169.254.169.254";
  const who = "Google's metadata server";
  if (!await isThere(host, { who, surroundings })) {
    if (named) throw new AuthError(`GCE_METADATA_HOST names ${named}, where no metadata server answers`);
    return undefined;
  }
  const url = new URL(`http://${host}${TOKEN_PATH}`);
  url.searchParams.set("scopes", CLOUD_PLATFORM);
  try {
    const answer = await askFields({ who, url, headers: HEADERS, timeoutMs: TOKEN_MS }, surroundings);
    return readAccessToken(answer, who, surroundings);
  } catch (error) {
    if (error instanceof HttpError && error.status === 404) return undefined;
    throw error;
  }
}

async function isThere(
  host: string,
  { who, surroundings }: { who: string; surroundings: Surroundings },
): Promise<boolean> {
  if (!URL.canParse(`http://${host}`)) return false;
  try {
    const question = { who, url: `http://${host}/`, headers: HEADERS, timeoutMs: PROBE_MS, attempts: 1 };
    return (await ask(question, surroundings)).headers.get("metadata-flavor") === "Google";
  } catch (error) {
    if (error instanceof NetworkError || error instanceof HttpError) return false;
    throw error;
  }
}
