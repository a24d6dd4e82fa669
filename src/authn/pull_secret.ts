import { AuthError } from "../errors.ts";
import { authOfEntry, type DockerConfigEntry, dockerConfigOf, parseConfigJson } from "./docker_config.ts";
import { type Authenticator, fromConfig } from "./authenticator.ts";
import { base64Text } from "./fields.ts";

/** A Secret as the Kubernetes API gives it, as far as credentials for registries go. */
export interface KubernetesSecret {
  /** `kubernetes.io/dockerconfigjson` or `kubernetes.io/dockercfg`; secrets of other types hold no credentials. */
  readonly type?: string;
  /** What it is called: for error messages. */
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  /** Its values in base64: `.dockerconfigjson` or `.dockercfg`, after its type. */
  readonly data?: Readonly<Record<string, string>> | null;
  /** Values as plain text, as manifests may have them; the API never gives it. They beat those in `data`. */
  readonly stringData?: Readonly<Record<string, string>> | null;
}

/** One entry of a pull secret: the key as it is written there, and who it stands for. */
export interface PullSecretEntry {
  /** A host with or without scheme, port, path and wildcards. */
  readonly key: string;
  /** Where it stands, for error messages. */
  readonly source: string;
  /** Shows the credentials. */
  readonly authenticator: Authenticator;
}

/** The field that holds the credentials, by the type of the secret. */
const FIELDS: Readonly<Record<string, string>> = {
  "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
  "kubernetes.io/dockercfg": ".dockercfg",
};

/** What the user can do about a secret that can't be understood. */
export const SECRET_HINT = "make it anew with kubectl create secret docker-registry";

/**
 * The entries of a secret in its own order, none if it is of another type or empty.
 *
 * @param number its place among the secrets that were given, from 1 on.
 * @throws {AuthError} when it can't be understood; the message holds nothing of what is in it.
 */
export function pullSecretEntries(secret: KubernetesSecret, number: number): PullSecretEntry[] {
  const field = secret.type !== undefined && Object.hasOwn(FIELDS, secret.type) ? FIELDS[secret.type] : undefined;
  if (field === undefined) return [];
  const source = `${secretName(secret, number)}: ${field}`;
  const text = secretText(secret, field, source);
  if (text.trim() === "") return [];
  try {
    const value = parseConfigJson(text, source);
    const { auths } = dockerConfigOf(field === ".dockercfg" ? { auths: value } : value, source);
    return Object.entries(auths ?? {}).map(([key, entry]) => entryOf(key, entry, source));
  } catch (error) {
    // Without the hints of a file on disk.
    throw error instanceof AuthError ? new AuthError(error.message, { hint: SECRET_HINT }) : error;
  }
}

function entryOf(key: string, entry: DockerConfigEntry, secret: string): PullSecretEntry {
  const source = `${secret}: ${JSON.stringify(key)}`;
  return { key, source, authenticator: fromConfig(authOfEntry(entry, source)) };
}

function secretName({ metadata: { name, namespace } = {} }: KubernetesSecret, number: number): string {
  if (!name) return `pull secret ${number}`;
  return `the secret ${namespace ? `${namespace}/` : ""}${name}`;
}

function secretText({ data, stringData }: KubernetesSecret, field: string, source: string): string {
  const plain = stringData?.[field];
  if (plain !== undefined) return plain;
  const text = base64Text(data?.[field] ?? "");
  if (text === undefined) throw new AuthError(`${source} is not base64 of UTF-8 text`, { hint: SECRET_HINT });
  return text;
}
