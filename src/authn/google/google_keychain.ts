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

/** Whatever gives access tokens and renews them: google-auth-library's `GoogleAuth` and its clients do. */
export interface GoogleTokenSource {
  /** The token of now, as it is or in an object. */
  getAccessToken(): Promise<string | null | undefined | { token?: string | null }>;
}

/** Options of {@linkcode googleKeychain}. */
export interface GoogleKeychainOptions extends CloudKeychainOptions {
  /**
   * Gives the tokens, instead of what is looked for.
   * @default none
   */
  tokenSource?: GoogleTokenSource;
  /**
   * What is in a credentials file, as JSON or parsed, instead of what is looked for. For runtimes without files.
   * @default none
   */
  credentials?: string | Readonly<Record<string, unknown>>;
  /**
   * Whether the key of a service account is shown to the registry as it is, with the name `_json_key`. Otherwise it is
   * exchanged for a token, and never leaves.
   * @default false
   */
  sendKey?: boolean;
  /**
   * The name or path of gcloud; `""` for: don't run it.
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
   * @default as a program, where there are programs
   */
  run?: RunProgram;
}

/** One place where a credential is sought: gives it and its end, or `undefined` if there is none. */
type Source = () => Promise<Expiring<AuthConfig> | undefined>;

/**
 * The keychain of Google's registries: `gcr.io`, `*.gcr.io`, `*.pkg.dev` and `*.google.com`. It is signed in as the
 * first of these that is there:
 *
 * 1. what the options give: `tokenSource`, `credentials`;
 * 2. Application Default Credentials: the file that `$GOOGLE_APPLICATION_CREDENTIALS` names, the one that
 *    `gcloud auth application-default login` wrote, the metadata server. Files may be of the types service_account,
 *    authorized_user, external_account, external_account_authorized_user and impersonated_service_account;
 * 3. gcloud.
 *
 * Nothing is read, asked or run before such a registry is asked for. One that fails is warned of and passed over.
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

/** Asks one source after another, and sticks to the first that has something. */
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
  // It renews its tokens itself, and does not say when.
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

/** A token as Google's registries are shown it. */
function shown({ value, expiresAt }: AccessToken): Expiring<AuthConfig> {
  return { value: { username: "_token", password: value }, expiresAt };
}
