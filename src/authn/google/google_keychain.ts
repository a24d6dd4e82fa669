import { AuthError } from "../../errors.ts";
import { runCommand } from "../../runtime/mod.ts";
import type { AuthConfig } from "../auth_config.ts";
import { cloudKeychain, failureWords } from "../cloud_keychain.ts";
import { cloudOf } from "../cloud_of.ts";
import { parseFields } from "../fields.ts";
import type { Keychain } from "../keychain.ts";
import { type Expiring, renewing } from "../renewing.ts";
import { type CloudKeychainOptions, type Surroundings, surroundingsOf } from "../surroundings.ts";
import type { AccessToken } from "./access_token.ts";
import { tokenOfKey } from "./credential_kinds.ts";
import { type CredentialsFile, findCredentialsFile } from "./default_credentials.ts";
import { gcloudToken, type RunProgram } from "./gcloud.ts";
import { metadataToken } from "./metadata_server.ts";

/** A source of access tokens that renews them, such as google-auth-library's `GoogleAuth` and its clients. */
export interface GoogleTokenSource {
  /** Returns the current token, or an object with it. */
  getAccessToken(): Promise<string | null | undefined | { token?: string | null }>;
}

/** Options of {@linkcode googleKeychain}. */
export interface GoogleKeychainOptions extends CloudKeychainOptions {
  /**
   * The source of the tokens, which replaces the search for credentials.
   * @default none
   */
  tokenSource?: GoogleTokenSource;
  /**
   * A credentials file, as JSON or parsed, which replaces the search for credentials. For runtimes without files.
   * @default none
   */
  credentials?: string | Readonly<Record<string, unknown>>;
  /**
   * Whether the key of a service account is sent to the registry, with the name `_json_key`. Otherwise it is
   * exchanged for a token and stays here.
   * @default false
   */
  sendKey?: boolean;
  /**
   * The name or path of gcloud; `""` disables it.
   * @default `$GCRANE_GCLOUD`, else "gcloud"
   */
  gcloud?: string;
  /**
   * How long gcloud may take, in milliseconds.
   * @default 30000
   */
  gcloudTimeoutMs?: number;
  /**
   * Runs gcloud.
   * @default as a program, on runtimes with programs
   */
  run?: RunProgram;
}

/** A place for credentials: returns one with its expiry, or `undefined`. */
type Source = () => Promise<Expiring<AuthConfig> | undefined>;

/**
 * The keychain of Google's registries: `gcr.io`, `*.gcr.io`, `*.pkg.dev` and `*.google.com`. Uses the first of these
 * that is present:
 *
 * 1. the options `tokenSource` and `credentials`;
 * 2. Application Default Credentials: the file in `$GOOGLE_APPLICATION_CREDENTIALS`, the one that
 *    `gcloud auth application-default login` wrote, the metadata server. Files may be of the types service_account,
 *    authorized_user, external_account, external_account_authorized_user and impersonated_service_account;
 * 3. gcloud.
 *
 * Reads, requests and runs nothing before the first registry of Google. One that fails gives a warning and is skipped.
 */
export function googleKeychain(options: GoogleKeychainOptions = {}): Keychain {
  const surroundings = surroundingsOf(options);
  const source = renewing(firstOf(sourcesOf(options, surroundings), surroundings), surroundings);
  return cloudKeychain((registry) => cloudOf(registry) === "google" ? source : undefined, surroundings);
}

function sourcesOf(options: GoogleKeychainOptions, surroundings: Surroundings): Source[] {
  const { tokenSource, credentials } = options;
  if (tokenSource !== undefined) return [() => pluggedIn(tokenSource, surroundings)];
  if (credentials === undefined) {
    return [() => applicationDefault(options, surroundings), () => ofGcloud(options, surroundings)];
  }
  const source = "the Google credentials";
  const text = typeof credentials === "string" ? credentials : JSON.stringify(credentials);
  return [() => ofFile({ path: source, text }, options, surroundings)];
}

/** Calls one source after another, and keeps the first with a credential. */
function firstOf(sources: readonly Source[], { warn }: Surroundings): Source {
  let chosen: Source | undefined;
  return async () => {
    if (chosen !== undefined) return await chosen();
    const failures: unknown[] = [];
    for (const source of sources) {
      const found = await source().catch((error: unknown) => void failures.push(error));
      if (found === undefined) continue;
      chosen = source;
      for (const failure of failures) warn?.(`Google credentials passed over: ${failureWords(failure)}`);
      return found;
    }
    if (failures.length > 1) throw new AuthError(failures.map(failureWords).join("; "));
    if (failures.length > 0) throw failures[0];
    return undefined;
  };
}

async function pluggedIn(source: GoogleTokenSource, { now }: Surroundings): Promise<Expiring<AuthConfig> | undefined> {
  const answer = await source.getAccessToken();
  const token = typeof answer === "object" ? answer?.token : answer;
  // It renews its tokens itself, and reports no expiry.
  return token ? shown({ value: token, expiresAt: now() }) : undefined;
}

async function applicationDefault(
  options: GoogleKeychainOptions,
  surroundings: Surroundings,
): Promise<Expiring<AuthConfig> | undefined> {
  const file = await findCredentialsFile(surroundings);
  if (file !== undefined) return await ofFile(file, options, surroundings);
  const token = await metadataToken(surroundings);
  return token && shown(token);
}

async function ofFile(
  { path, text }: CredentialsFile,
  { sendKey = false }: GoogleKeychainOptions,
  surroundings: Surroundings,
): Promise<Expiring<AuthConfig>> {
  const key = parseFields(text, path);
  if (sendKey && key.type === "service_account") {
    return { value: { username: "_json_key", password: text }, expiresAt: Infinity };
  }
  return shown(await tokenOfKey(key, { source: path, surroundings }));
}

async function ofGcloud(
  options: GoogleKeychainOptions,
  { environment }: Surroundings,
): Promise<Expiring<AuthConfig> | undefined> {
  const { gcloud = environment("GCRANE_GCLOUD") ?? "gcloud", gcloudTimeoutMs = 30_000, run = runCommand } = options;
  const token = gcloud === "" ? undefined : await gcloudToken({ gcloud, timeoutMs: gcloudTimeoutMs, run });
  return token && shown(token);
}

/** Converts a token to the form for Google's registries. */
function shown({ value, expiresAt }: AccessToken): Expiring<AuthConfig> {
  return { value: { username: "_token", password: value }, expiresAt };
}
