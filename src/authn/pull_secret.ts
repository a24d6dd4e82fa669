import { AuthError } from "../errors.ts";
import { authOfEntry, type DockerConfigEntry, dockerConfigOf, parseConfigJson } from "./docker_config.ts";
import { type Authenticator, fromConfig } from "./authenticator.ts";
import { base64Text } from "./fields.ts";

/** A Secret of the Kubernetes API, with the fields for registry credentials. */
export interface KubernetesSecret {
  /** `kubernetes.io/dockerconfigjson` or `kubernetes.io/dockercfg`; secrets of other types hold no credentials. */
  readonly type?: string;
  /** The name, for error messages. */
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  /** The values in base64: `.dockerconfigjson` or `.dockercfg`, by the type. */
  readonly data?: Readonly<Record<string, string>> | null;
  /** Values as plain text, as in manifests; the API never returns it. They come before those in `data`. */
  readonly stringData?: Readonly<Record<string, string>> | null;
}

/** One entry of a pull secret. */
export interface PullSecretEntry {
  /** A host with or without scheme, port, path and wildcards. */
  readonly key: string;
  /** Its place, for error messages. */
  readonly source: string;
  /** Returns the credentials. */
  readonly authenticator: Authenticator;
}

/** The field that holds the credentials, by the type of the secret. */
const FIELDS: Readonly<Record<string, string>> = {
  "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
  "kubernetes.io/dockercfg": ".dockercfg",
};

/** The hint for a secret that is not valid. */
export const SECRET_HINT = "create it again with kubectl create secret docker-registry";

/**
 * Returns the entries of a secret in its own order; none if it is of another type or empty.
 *
 * @param number its position among the given secrets, from 1.
 * @throws {AuthError} if it is not valid; the message contains none of its values.
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
    // Without the hints for a file on disk.
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
