import { AuthError, HttpError, NetworkError } from "../../errors.ts";
import { ask, askFields } from "../ask_server.ts";
import type { Surroundings } from "../surroundings.ts";
import { type AccessToken, CLOUD_PLATFORM, readAccessToken } from "./access_token.ts";

const HEADERS = { "metadata-flavor": "Google" };
const TOKEN_PATH = "/computeMetadata/v1/instance/service-accounts/default/token";
/** Where there is no such server, the address may swallow what it is sent. */
const PROBE_MS = 1000;
/** One that is there may need some time for its first token. */
const TOKEN_MS = 10_000;

/**
 * The token of the machine's, cluster's or service's own account, from its metadata server; `undefined` where there is
 * no such server (it has a second to say that it is one), or it has no account.
 *
 * @throws {AuthError} when there is none where `GCE_METADATA_HOST` says that there is.
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
