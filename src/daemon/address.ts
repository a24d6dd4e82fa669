import { UnsupportedError, UsageError } from "../errors.ts";
import { environmentVariable, homeDirectory, joinPath, platformOs } from "../runtime/mod.ts";

/** The address of an engine. */
export interface EngineAddress {
  /** The address as it was given, for errors. */
  readonly name: string;
  /** The base URL of the API, without a trailing slash. */
  readonly base: string;
  /** The unix socket to connect to instead of the URL's host. */
  readonly unixSocket?: string;
  /** The folder with `ca.pem`, `cert.pem` and `key.pem`. TLS works without it too. */
  readonly certificates?: string;
  /** Whether the engine's certificate is verified. */
  readonly verify: boolean;
}

/** Options that select an engine. */
export interface EngineAddressOptions {
  /**
   * The address: `unix:///path`, `tcp://host:port`, `http://…` or `https://…`.
   * @default $DOCKER_HOST, else unix:///var/run/docker.sock
   */
  host?: string;
  /**
   * Reads environment variables.
   * @default those of the process
   */
  environment?: (name: string) => string | undefined;
}

/** The default of Docker's client. */
const DEFAULT_HOST = "unix:///var/run/docker.sock";
const DEFAULT_HOST_WINDOWS = "npipe:////./pipe/docker_engine";

/** The default ports. */
const PLAIN_PORT = "2375";
const TLS_PORT = "2376";

/**
 * Finds the address of the engine from the options and from the variables of Docker's client: `DOCKER_HOST`,
 * `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH`. Ignores contexts.
 *
 * @throws {UsageError} if the address is not valid.
 * @throws {UnsupportedError} if its scheme is not supported: `ssh://`, `npipe://`, `fd://`.
 */
export function engineAddress(options: EngineAddressOptions = {}): EngineAddress {
  const { environment = environmentVariable } = options;
  const chosen = options.host ?? (environment("DOCKER_HOST")?.trim() || undefined);
  const host = chosen ?? (platformOs() === "windows" ? DEFAULT_HOST_WINDOWS : DEFAULT_HOST);
  const [, scheme, rest] = /^([a-z]+):\/\/(.*)$/i.exec(host) ?? [];
  switch (scheme?.toLowerCase()) {
    case "unix":
      if (!rest.startsWith("/")) throw malformed(host, "the path of a socket starts with a slash");
      return { name: host, base: "http://localhost", unixSocket: rest, verify: true };
    case "tcp":
    case "http":
    case "https":
      return tcpAddress(host, scheme.toLowerCase(), environment);
    case "ssh":
    case "npipe":
    case "fd":
      throw new UnsupportedError(`a Docker engine at ${scheme}:// can't be reached from here`, {
        hint: HINTS[scheme.toLowerCase()],
      });
    default:
      throw malformed(host, "it has no scheme that is known");
  }
}

const HINTS: Readonly<Record<string, string>> = {
  ssh:
    "forward its socket with ssh -L /tmp/docker.sock:/var/run/docker.sock and set DOCKER_HOST=unix:///tmp/docker.sock",
  npipe: "let the engine listen on TCP and set DOCKER_HOST=tcp://localhost:2375",
  fd: "set DOCKER_HOST to the path of the socket: unix:///var/run/docker.sock",
};

/** Returns the value of an environment variable. */
export type Environment = (name: string) => string | undefined;

function tcpAddress(host: string, scheme: string, environment: Environment): EngineAddress {
  const tls = tlsOf(environment);
  const isSecure = scheme === "https" || (scheme === "tcp" && tls !== undefined);
  let url: URL;
  try {
    url = new URL(host.replace(/^[a-z]+:/i, isSecure ? "https:" : "http:"));
  } catch {
    throw malformed(host, "it names no host");
  }
  if (url.username !== "" || url.password !== "") {
    throw new UsageError("the address of the Docker engine holds a user name, which the engine has no use for", {
      hint: "leave it out, and authenticate with certificates: DOCKER_CERT_PATH",
    });
  }
  if (url.search !== "" || url.hash !== "") throw malformed(host, "it has a ? or a #");
  if (scheme === "tcp" && !/:\d+(\/|$)/.test(host)) url.port = isSecure ? TLS_PORT : PLAIN_PORT;
  const base = url.href.replace(/\/+$/, "");
  if (!isSecure) return { name: host, base, verify: true };
  return { name: host, base, verify: tls?.verify ?? true, certificates: tls?.folder };
}

/**
 * Reads the TLS variables as Docker's client does: `DOCKER_TLS_VERIFY` requires TLS with a verified certificate,
 * `DOCKER_CERT_PATH` alone requires TLS with any certificate.
 */
function tlsOf(environment: Environment): { verify: boolean; folder: string | undefined } | undefined {
  const verify = Boolean(environment("DOCKER_TLS_VERIFY"));
  const given = environment("DOCKER_CERT_PATH") || undefined;
  if (!verify && given === undefined) return undefined;
  const home = environment("DOCKER_CONFIG") || dockerFolder();
  return { verify, folder: given ?? home };
}

function dockerFolder(): string | undefined {
  const home = homeDirectory();
  return home === undefined ? undefined : joinPath(home, ".docker");
}

function malformed(host: string, why: string): UsageError {
  // An address may hold a password.
  const shown = host.replace(/\/\/[^/@]*@/, "//");
  return new UsageError(`${JSON.stringify(shown)} is not an address of a Docker engine: ${why}`, {
    hint: "write unix:///path/of/socket or tcp://host:port",
  });
}
