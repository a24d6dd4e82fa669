import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import * as crane from "../../src/crane/mod.ts";
import { randomImage } from "../../src/image/mod.ts";
import { createRegistry } from "../../src/registry/mod.ts";
import { serveFetch } from "../../src/runtime/mod.ts";
import { type ForwardProxy, forwardProxy, tlsFront } from "../fakes/forward_proxy.ts";
import { socksProxy } from "../fakes/socks_proxy.ts";

/** A registry with a certificate of the authority of the tests, one that demands a client's, and one without TLS. */
export const TLS = "registry.example.test";
export const MTLS = "mtls.example.test";
export const PLAIN = "plain.example.test";
/** Another name of the registry, in the same certificate. */
export const MIRROR = "tokens.example.test";

const testdata = fileURLToPath(new URL("../testdata/network/", import.meta.url));

/** Returns the path of a file of certificates. */
export const certificate = (name: string): string => join(testdata, name);
/** Returns the text of a file of certificates. */
export const pem = (name: string): string => readFileSync(certificate(name), "utf8");

/** The end of one command line. */
export interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Servers behind proxies: no name of theirs resolves anywhere else. */
export interface NetworkWorld {
  /** The digest of `app:v1`, which every name has. */
  readonly digest: string;
  /** The port of the registry on 127.0.0.1, without TLS. */
  readonly port: number;
  readonly proxy: ForwardProxy;
  /** Demands the user `ann` with the password `p@ss`. */
  readonly strictProxy: ForwardProxy;
  readonly socks: ForwardProxy;
  readonly strictSocks: ForwardProxy;
  /** The requests that reached the registry, with the host that they named. */
  readonly requests: string[];
  /** Runs gcrane, given as words, with variables and without those of the machine. */
  gcrane(words: readonly string[], args: readonly string[], variables?: Record<string, string>): Promise<Result>;
  close(): Promise<void>;
}

const CLEARED = new Set(
  ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"].flatMap((name) => [name, name.toLowerCase()])
    .concat("SSL_CERT_FILE", "SSL_CERT_DIR", "CONTAINERS_REGISTRIES_CONF", "XDG_CONFIG_HOME"),
);

/** Starts the servers. */
export async function networkWorld(): Promise<NetworkWorld> {
  const requests: string[] = [];
  const handler = createRegistry().fetch;
  const registry = await serveFetch((request) => {
    const { pathname } = new URL(request.url);
    requests.push(`${request.method} ${request.headers.get("host")}${pathname}`);
    // As registries without chunked uploads do, so that the blob is sent in one PUT.
    const isRefused = request.method === "PATCH" && pathname.startsWith("/v2/chunkless/");
    return isRefused ? new Response(null, { status: 405 }) : handler(request);
  }, { hostname: "127.0.0.1", port: 0 });
  const { port } = registry;
  const server = { key: pem("server.key"), cert: pem("server.pem") };
  const front = await tlsFront(port, server);
  const demanding = await tlsFront(port, { ...server, ca: pem("ca.pem"), requestCert: true, rejectUnauthorized: true });
  const ports = {
    [`${TLS}:443`]: front.port,
    [`${MIRROR}:443`]: front.port,
    [`${MTLS}:443`]: demanding.port,
    [`${PLAIN}:80`]: port,
  };
  const strict = { ports, credentials: "ann:p@ss" };
  const proxy = await forwardProxy({ ports });
  const strictProxy = await forwardProxy(strict);
  const socks = await socksProxy({ ports });
  const strictSocks = await socksProxy(strict);
  const image = `127.0.0.1:${port}/app:v1`;
  await crane.push(await randomImage({ layers: 2, size: 200_000 }), image);
  const proxies = [proxy, strictProxy, socks, strictSocks];
  return {
    digest: await crane.digest(image),
    port,
    proxy,
    strictProxy,
    socks,
    strictSocks,
    requests,
    gcrane([command, ...first], args, variables = {}) {
      for (const { requests: list } of [{ requests }, ...proxies]) list.length = 0;
      const own = Object.entries(process.env).filter(([name]) => !CLEARED.has(name));
      const env = {
        ...Object.fromEntries(own),
        // Deno's own downloads and checks are not those of gcrane.
        DENO_NO_UPDATE_CHECK: "1",
        DENO_DIR: process.env.DENO_DIR ?? join(homedir(), ".cache/deno"),
        ...variables,
      } as NodeJS.ProcessEnv;
      return new Promise((resolve) => {
        execFile(command, [...first, ...args], { env, timeout: 60_000 }, (error, out, err) => {
          resolve({ code: error ? Number(error.code ?? -1) : 0, out, err });
        });
      });
    },
    async close() {
      for (const each of [...proxies, front, demanding]) await each.close();
      await registry.close();
    },
  };
}
