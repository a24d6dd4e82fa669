import { AuthError } from "../../errors.ts";
import { isObject } from "../../io/mod.ts";
import { encodeAuth } from "../auth_config.ts";
import { readFileIfThere } from "../config_location.ts";
import { base64Text } from "../fields.ts";
import type { ClusterConnection } from "./api_request.ts";
import { type KubernetesClient, kubernetesClient, type KubernetesClientOptions } from "./client.ts";
import { type ExecCredentials, execCredentials, type ExecPlugin } from "./exec_credentials.ts";
import {
  type Kubeconfig,
  type KubeconfigLocation,
  type KubeconfigPart,
  readKubeconfig,
  type Section,
} from "./kubeconfig.ts";
import { checkPem } from "./pem.ts";

/** Options of {@linkcode kubeconfigClient}. */
export interface KubeconfigOptions extends KubernetesClientOptions, KubeconfigLocation {
  /**
   * The context to use.
   * @default the file's current-context
   */
  context?: string;
}

/** The credentials of a user in a kubeconfig. */
interface Identity extends ExecCredentials {
  readonly authorization?: string;
}

/**
 * The API of the cluster of a kubeconfig file, as for `kubectl`: with a token, a client certificate, a name and a
 * password, or the answer of an exec plugin. Reads nothing before the first request.
 *
 * @throws {AuthError} from the methods, if the file is not valid or names no cluster, or the plugin fails.
 */
export function kubeconfigClient(options: KubeconfigOptions = {}): KubernetesClient {
  const plugins = new Map<string, (options: { server: string }) => Promise<ExecCredentials>>();
  /** Returns one function per plugin configuration, so that its answer is kept until it expires. */
  const pluginOf = (plugin: ExecPlugin) => {
    const key = JSON.stringify(plugin);
    const known = plugins.get(key) ?? execCredentials(plugin);
    plugins.set(key, known);
    return known;
  };
  return kubernetesClient(async () => {
    const config = await readKubeconfig(options);
    const context = sectionOf(config, "context", options.context ?? config.currentContext);
    const cluster = sectionOf(config, "cluster", context.text("cluster"));
    const userName = context.text("user");
    const user = userName === undefined ? undefined : sectionOf(config, "user", userName);
    const server = cluster.text("server");
    if (server === undefined || !/^https?:$/.test(URL.canParse(server) ? new URL(server).protocol : "")) {
      throw new AuthError(`${cluster.source}: "server" is not the URL of an API server`);
    }
    refuse(cluster, ["proxy-url", "tls-server-name"]);
    const identity = user === undefined ? {} : await identityOf(user, { server, pluginOf });
    return connectionOf({ server, context, cluster, identity });
  }, options);
}

async function connectionOf({ server, context, cluster, identity: { authorization, token, cert, key } }: {
  server: string;
  context: Section;
  cluster: Section;
  identity: Identity;
}): Promise<ClusterConnection> {
  const ca = await pemOf(cluster, "certificate-authority");
  const namespace = context.text("namespace");
  const shown = token === undefined ? authorization : `Bearer ${token}`;
  return {
    server,
    insecure: cluster.fields["insecure-skip-tls-verify"] === true,
    unauthorizedHint: `sign in again, or fix the user of ${context.source}`,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(shown !== undefined && { authorization: shown }),
    ...(namespace !== undefined && { namespace }),
  };
}

async function identityOf(
  user: Section,
  { server, pluginOf }: {
    server: string;
    pluginOf: (plugin: ExecPlugin) => (options: { server: string }) => Promise<ExecCredentials>;
  },
): Promise<Identity> {
  refuse(user, ["auth-provider"]);
  const [cert, key] = await Promise.all([pemOf(user, "client-certificate"), pemOf(user, "client-key")]);
  const certificates = { ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) };
  const file = user.path("tokenFile");
  const token = file === undefined ? user.text("token") : (await readNamed(file, user, "tokenFile")).trim();
  if (token !== undefined) return { ...certificates, token };
  const name = user.text("username");
  if (name !== undefined) {
    return { ...certificates, authorization: `Basic ${encodeAuth(name, user.text("password") ?? "")}` };
  }
  const { exec } = user.fields;
  if (exec === undefined || exec === null) return certificates;
  return { ...certificates, ...await pluginOf(execPlugin(exec, user))({ server }) };
}

function execPlugin(exec: unknown, user: Section): ExecPlugin {
  const { command, args, env, apiVersion, installHint } = isObject(exec) ? exec : {};
  const words = args ?? [];
  const variables = env ?? [];
  const isRight = typeof command === "string" && command !== "" && typeof apiVersion === "string" &&
    Array.isArray(words) && words.every((word) => typeof word === "string") && Array.isArray(variables) &&
    variables.every((it) => isObject(it) && typeof it.name === "string" && typeof it.value === "string");
  if (!isRight) throw new AuthError(`${user.source}: "exec" is not a command with its apiVersion`);
  return {
    command: /[/\\]/.test(command) ? user.resolve(command) : command,
    args: words,
    env: Object.fromEntries(variables.map(({ name, value }) => [name, value])),
    apiVersion,
    source: user.source,
    ...(typeof installHint === "string" && { installHint: installHint.trim().split("\n")[0] }),
  };
}

/** Returns a certificate or key, from the file itself or from a file that it names. */
async function pemOf(section: Section, field: string): Promise<string | undefined> {
  const what = field === "client-key" ? "PRIVATE KEY" : "CERTIFICATE";
  const data = section.text(`${field}-data`);
  const source = `${section.source}: "${field}-data"`;
  if (data !== undefined) {
    const pem = base64Text(data);
    if (pem === undefined) throw new AuthError(`${source} is not base64`);
    return checkPem(pem, what, source);
  }
  const path = section.path(field);
  return path === undefined ? undefined : checkPem(await readNamed(path, section, field), what, path);
}

async function readNamed(path: string, { source }: Section, field: string): Promise<string> {
  const text = await readFileIfThere(path);
  if (text === undefined) throw new AuthError(`${source}: "${field}" names ${path}, which is not there`);
  return text;
}

function sectionOf(config: Kubeconfig, part: KubeconfigPart, name: string | undefined): Section {
  if (!name) {
    throw new AuthError(`${config.source} names no ${part === "context" ? "current-context" : part}`, {
      hint: part === "context" ? "choose one with kubectl config use-context" : "fix its context",
    });
  }
  const found = config.find(part, name);
  if (found === undefined) throw new AuthError(`${config.source} has no ${part} ${JSON.stringify(name)}`);
  return found;
}

/** Refuses unsupported fields that would change the target or the identity of a request. */
function refuse(section: Section, fields: readonly string[]): void {
  const found = fields.find((field) => section.fields[field] !== undefined);
  if (found !== undefined) throw new AuthError(`${section.source}: "${found}" is not supported`);
}
