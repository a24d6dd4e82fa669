import { BlockedError } from "../errors.ts";
import { fetchWith, type Mirror, type RegistrySettings } from "../http/mod.ts";
import { parseRegistry, type Registry, type Repository } from "../name/mod.ts";
import { Connection, type TransportOptions } from "./connection.ts";

/** The settings without an entry. */
const NONE: RegistrySettings = { insecure: false, mirrors: [] };

/** Returns the machine's settings for a registry or a repository. @throws {BlockedError} if they block it. */
export async function settingsOf(
  { name }: Registry | Repository,
  { registries }: TransportOptions,
): Promise<RegistrySettings> {
  const settings = await registries?.(name) ?? NONE;
  if (settings.blockedBy === undefined) return settings;
  throw new BlockedError(`${name} is blocked by ${settings.blockedBy}`, { hint: `change "blocked" there` });
}

/** Creates the connection to a registry, or to that of a repository, by the machine's settings for it. */
export async function connect(target: Registry | Repository, options: TransportOptions): Promise<Connection> {
  const registry = target.kind === "registry" ? target : target.registry;
  const { insecure } = await settingsOf(target, options);
  return insecure ? insecureConnection(registry.name, options) : new Connection(registry, options);
}

/** Creates the connection to a mirror. It makes no second attempt, since another place has the content too. */
export function connectMirror(mirror: Mirror, options: TransportOptions): Connection {
  const { insecure, ca, cert, key, headers } = mirror;
  const own = {
    ...options,
    ...(headers && { headers: () => Promise.resolve(headers) }),
    ...(ca !== undefined && { ca: [options.ca, ca].filter((text) => text !== undefined).join("\n") }),
    ...(cert !== undefined && { cert, key: key ?? cert }),
    ...(options.fetch &&
      { fetch: fetchWith(options.fetch, { ca, ...(cert !== undefined && { cert, key: key ?? cert }) }) }),
    retry: { attempts: 1 },
  };
  return insecure ? insecureConnection(mirror.host, own) : new Connection(parseRegistry(mirror.host), own);
}

function insecureConnection(host: string, options: TransportOptions): Connection {
  return new Connection(parseRegistry(host, { insecure: true }), {
    ...options,
    insecure: true,
    ...(options.fetch && { fetch: fetchWith(options.fetch, { insecureTls: true }) }),
  });
}
