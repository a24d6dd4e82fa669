import { BoundedMap, lazy } from "../io/mod.ts";
import { grantedVariable, homeDirectory, routedFetch, runtimeFetch, type RuntimeFetchOptions } from "../runtime/mod.ts";
import {
  environmentAuthorities,
  type HostCertificates,
  hostCertificates,
  readHostFolder,
} from "./certificate_files.ts";
import { type Environment, proxyRules } from "./proxy.ts";

/** How to connect to servers: with which certificates, by a unix socket, and in which environment. */
export interface ConnectionOptions extends Omit<RuntimeFetchOptions, "proxy"> {
  /**
   * Folders of certificates by host, as docker's `/etc/docker/certs.d`.
   *
   * @default none
   */
  certsDirectories?: readonly string[];
  /**
   * Folders of certificates of single hosts, before those.
   *
   * @default none
   */
  certificateFolders?: Readonly<Record<string, string>>;
  /**
   * Certificates of single hosts, before those in folders.
   *
   * @default none
   */
  hostCertificates?: Readonly<Record<string, HostCertificates>>;
  /**
   * Returns the value of an environment variable: those of proxies, SSL_CERT_FILE and SSL_CERT_DIR are read.
   *
   * @default that of the process
   */
  environment?: Environment;
}

/** The `fetch` functions by their options, since each keeps connections. Bounded, since certificates rotate. */
const made = new BoundedMap<string, typeof fetch>(64);
/** The same by environment and options, before a URL is known. */
const routes = new WeakMap<Environment, BoundedMap<string, typeof fetch>>();

/** The options of each `fetch` from here. */
const optionsOf = new WeakMap<typeof fetch, ConnectionOptions>();

/** Returns the `fetch` with further options; one that is not from here, a registry in memory say, as it is. */
export function fetchWith(fetcher: typeof fetch, options: ConnectionOptions): typeof fetch {
  const own = optionsOf.get(fetcher);
  if (own === undefined) return fetcher;
  const ca = [own.ca, options.ca].filter((text) => text !== undefined).join("\n");
  return fetchFor({ ...own, ...options, ...(ca !== "" && { ca }) });
}

/**
 * Returns the `fetch` for connection options. All rooms get theirs here. It reads the environment once, on its first
 * request: proxies hold for all servers but loopback, and the authorities of SSL_CERT_FILE and SSL_CERT_DIR are trusted
 * too.
 */
export function fetchFor(options: ConnectionOptions = {}): typeof fetch {
  const { insecureTls = false, ca, cert, key, unixSocket, certsDirectories, environment = grantedVariable } = options;
  const known = routes.get(environment) ?? new BoundedMap(16);
  routes.set(environment, known);
  const { certificateFolders, hostCertificates } = options;
  const id = JSON.stringify([
    ...[insecureTls, ca, cert, key, unixSocket],
    ...[certsDirectories, certificateFolders, hostCertificates],
  ]);
  const fetcher = known.get(id) ?? (unixSocket === undefined ? routed({ ...options, environment }) : base(options));
  known.set(id, fetcher);
  optionsOf.set(fetcher, options);
  return fetcher;
}

function routed(options: ConnectionOptions & { environment: Environment }): typeof fetch {
  const { insecureTls, ca, cert, key, certsDirectories = [], environment } = options;
  const proxies = lazy(() => Promise.resolve(proxyRules(environment)));
  const authorities = lazy(() => environmentAuthorities(environment));
  const ofOrigins = new BoundedMap<string, Promise<typeof fetch>>(256);

  const certificatesOf = async (host: string, port: string) => {
    const folder = options.certificateFolders?.[host];
    if (folder !== undefined) return await readHostFolder(folder);
    return await hostCertificates(certsDirectories, port ? [host] : [host, `${host}:443`]);
  };

  const certificates = async ({ host, port }: URL): Promise<RuntimeFetchOptions> => {
    const own = options.hostCertificates?.[host] ?? await certificatesOf(host, port);
    const trusted = insecureTls ? [] : [ca, own.ca, await authorities()].filter((text) => text !== undefined);
    const pair = cert === undefined ? own : { cert, key };
    return {
      insecureTls,
      ...(trusted.length > 0 && { ca: trusted.join("\n") }),
      ...(pair.cert !== undefined && { cert: pair.cert, key: pair.key ?? pair.cert }),
    };
  };

  const route = async (url: URL): Promise<typeof fetch> => {
    const proxy = (await proxies())?.(url);
    return base({ ...(url.protocol === "https:" && await certificates(url)), ...(proxy && { proxy }) });
  };

  return routedFetch((url) => {
    const found = ofOrigins.get(url.origin) ?? route(url);
    ofOrigins.set(url.origin, found);
    // A file that could not be read is read again by the next request.
    found.catch(() => ofOrigins.delete(url.origin));
    return found;
  });
}

function base({ insecureTls = false, ca, cert, key, unixSocket, proxy }: RuntimeFetchOptions): typeof fetch {
  const id = JSON.stringify([insecureTls, ca, cert, key, unixSocket, proxy]);
  const known = made.get(id) ?? runtimeFetch({ insecureTls, ca, cert, key, unixSocket, proxy });
  made.set(id, known);
  return known;
}

/** Returns the folders in which docker and podman look for certificates by host, the first before the next. */
export function certsDirectories(environment: Environment): readonly string[] {
  const home = environment("HOME") || homeDirectory();
  return [
    ...(home ? [`${home}/.config/containers/certs.d`] : []),
    "/etc/containers/certs.d",
    ...(home ? [`${home}/.config/docker/certs.d`] : []),
    "/etc/docker/certs.d",
  ];
}
