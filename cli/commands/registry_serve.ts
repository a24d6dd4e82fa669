import { UsageError } from "../../src/errors.ts";
import type { TlsCertificate } from "../../src/runtime/mod.ts";
import { type Command, command as declare } from "../command.ts";
import { durationFlag, sizeFlag } from "../flag_values.ts";
import { flagName } from "../flag_words.ts";
import { listenFailure, parseAddress } from "../listen_address.ts";
import { readNamed } from "../named_file.ts";
import { accessFlags, registryAccess, type SignIn } from "../registry_access.ts";
import { registryStore, storeFlags } from "../registry_store.ts";
import { type CommandOptions, remoteOptions } from "../remote_options.ts";
import { logFormats, serverLog } from "../server_log.ts";
import { graceOf, summary as garbageSummary } from "./registry_gc.ts";

/** `gcrane registry serve` */
export const command: Command = declare({
  description:
    `Serves a registry for a laptop, a container or a team. By default it listens only on this machine and requires no login; with the environment variable PORT, as platforms for containers set it, on that port of all addresses.

A flag can also be set in a file (--config), or by the environment variable that is named below; the command line counts more than the environment, and that more than the file. GCRANE_REGISTRY_USERS can contain users, one user:password per line.

With --proxy the credentials for the other registry are found as for any command; every client of the cache pulls with them.

/healthz shows whether it works, /metrics has metrics for Prometheus. SIGHUP makes it read the configuration and the files of users, permissions, keys and certificate again; other settings need a restart. After Ctrl-C or SIGTERM it accepts no new requests, completes the pending ones and ends with 0; a second signal ends it immediately.`,
  flags: {
    config: {
      type: "string",
      valueName: "FILE",
      completes: "file",
      isConfig: true,
      env: "GCRANE_REGISTRY_CONFIG",
      help: "Read flags from this file of YAML, by their names, with lists for those that can be repeated",
    },
    address: {
      type: "string",
      valueName: "HOST:PORT",
      env: "GCRANE_REGISTRY_ADDRESS",
      help:
        "The address to listen on; without a host all addresses, and port 0 for a free one; by default :$PORT, or else 127.0.0.1:5000",
    },
    ...storeFlags,
    redirect: {
      type: "boolean",
      env: "GCRANE_REGISTRY_REDIRECT",
      help:
        "Send clients to the bucket for blobs of 64 KiB or more, by URLs that are valid for five minutes; needs --s3",
    },
    gcEvery: {
      type: "string",
      valueName: "TIME",
      default: "24h",
      env: "GCRANE_REGISTRY_GC_EVERY",
      help: "The interval of garbage collection, as by gcrane registry gc; 0 is never",
    },
    grace: {
      type: "string",
      valueName: "TIME",
      default: "24h",
      env: "GCRANE_REGISTRY_GRACE",
      help: "The time to keep unreferenced content; 0 is a minute",
    },
    readOnly: {
      type: "boolean",
      env: "GCRANE_REGISTRY_READ_ONLY",
      help: "Reject all changes",
    },
    allowSparse: {
      type: "boolean",
      env: "GCRANE_REGISTRY_ALLOW_SPARSE",
      help: "Accept manifests whose content is not all here, such as an index with images elsewhere",
    },
    proxy: {
      type: "strings",
      valueName: "URL",
      env: "GCRANE_REGISTRY_PROXY",
      help: "Cache this registry, for example docker.io: fetch and store requested content, and reject pushes",
    },
    proxyTtl: {
      type: "number",
      valueName: "SECONDS",
      default: 300,
      env: "GCRANE_REGISTRY_PROXY_TTL",
      help: "The time for which the cache serves a tag without checking it",
    },
    proxyKeep: {
      type: "strings",
      valueName: "TIME|SIZE",
      env: "GCRANE_REGISTRY_PROXY_KEEP",
      help: "Remove cached content that was not pulled for a time, or beyond a size: 30d, 100GB, or both",
      commas: true,
    },
    ...accessFlags,
    maxManifest: {
      type: "string",
      valueName: "SIZE",
      default: "4MiB",
      env: "GCRANE_REGISTRY_MAX_MANIFEST",
      help: "The largest manifest to accept",
    },
    cors: {
      type: "strings",
      valueName: "ORIGIN",
      env: "GCRANE_REGISTRY_CORS",
      help: "Let scripts of this origin use the registry in a browser, for example https://app.example.com; * is all",
    },
    addressHeader: {
      type: "string",
      valueName: "NAME",
      env: "GCRANE_REGISTRY_ADDRESS_HEADER",
      help: "The header with the client's address from a reverse proxy, whose X-Forwarded-Proto is then trusted too",
    },
    tlsCert: {
      type: "string",
      valueName: "FILE",
      completes: "file",
      env: "GCRANE_REGISTRY_TLS_CERT",
      help: "Serve HTTPS with this certificate (PEM)",
    },
    tlsKey: {
      type: "string",
      valueName: "FILE",
      completes: "file",
      env: "GCRANE_REGISTRY_TLS_KEY",
      help: "The private key of the certificate (PEM)",
    },
    logFormat: {
      type: "string",
      valueName: "FORMAT",
      choices: logFormats,
      default: "text",
      env: "GCRANE_REGISTRY_LOG_FORMAT",
      help: "Write the log on standard error as text or, with an object for each line, as json",
    },
    accessLog: {
      type: "string",
      valueName: "FILE",
      completes: "file",
      env: "GCRANE_REGISTRY_ACCESS_LOG",
      help: "Write a line of JSON for each request; - is standard error",
    },
    page: {
      type: "boolean",
      default: true,
      env: "GCRANE_REGISTRY_PAGE",
      help: "Serve a web page for browsing the content",
    },
    metrics: {
      type: "boolean",
      default: true,
      env: "GCRANE_REGISTRY_METRICS",
      help: "Serve metrics for Prometheus at /metrics",
    },
    keepAlive: {
      type: "string",
      valueName: "TIME",
      default: "75s",
      env: "GCRANE_REGISTRY_KEEP_ALIVE",
      help: "The time to keep idle connections open; longer than a load balancer in front does",
    },
    drain: {
      type: "number",
      valueName: "SECONDS",
      default: 30,
      env: "GCRANE_REGISTRY_DRAIN",
      help: "The time to wait for pending requests on shutdown",
    },
  },
  examples: [
    {
      text: "Run a registry with persistent content",
      command: "gcrane registry serve --address :5000 --disk ./registry",
    },
    {
      text: "Allow anonymous pulls, and users to push",
      command: "gcrane registry serve --disk ./registry --htpasswd ./users --token-auth --anonymous-pull",
    },
  ],
  endsItself: true,
  async run(context) {
    const { flags, note, signal, environment } = context;
    const log = serverLog(flags.logFormat, note);
    const environmentPort = environment("PORT");
    const address = flags.address ?? (environmentPort ? `:${environmentPort}` : "127.0.0.1:5000");
    const { hostname, port } = parseAddress(address);
    const tls = await certificate(flags);
    const warn = log.warn;
    const access = await registryAccess(flags, environment, warn);
    const [interval, grace] = [durationFlag("gc-every", flags.gcEvery), graceOf(flags.grace)];
    if (flags.redirect && flags.s3 === undefined) throw new UsageError("--redirect needs --s3");
    const { store, name, bucket } = await registryStore(flags, context);
    const { collectStoreGarbageEvery, evictCachedContent, serveRegistry } = await import("../../src/registry/mod.ts");
    const { summary } = await import("../failure.ts");
    const keep = keepOf(flags);
    const cors = await originsOf(flags.cors);
    const { openAccessLog } = await import("../access_log.ts");
    for (const warning of proxyWarnings(flags)) warn(warning);
    const requests = flags.accessLog === undefined ? undefined : await openAccessLog(flags.accessLog, { note, warn });
    const server = await serveRegistry({
      hostname,
      port,
      tls,
      keepAliveMs: durationFlag("keep-alive", flags.keepAlive),
      store,
      addressHeader: flags.addressHeader,
      access,
      readOnly: flags.readOnly,
      allowSparse: flags.allowSparse,
      redirect: flags.redirect,
      proxy: proxyOptions(flags, remoteOptions(context)),
      manifestLimit: sizeFlag("max-manifest", flags.maxManifest),
      cors,
      page: flags.page,
      metrics: flags.metrics,
      onRequest: requests && ((record) => requests.write(record)),
      onError(error, request) {
        if (request === undefined) return warn(summary(error));
        const { method, url } = request;
        const path = new URL(url).pathname;
        warn(`${method} ${path}: ${summary(error)}`, { method, path });
      },
    }).catch((error) => {
      throw listenFailure(address, error);
    });
    let reloads = Promise.resolve();
    const reload = async () => {
      try {
        const now = await context.rereadFlags();
        const renewed = await certificate(now);
        if (tls && renewed) await server.setCertificate(renewed);
        await access.reload(now);
        log.info("reloaded users, permissions, keys and certificate");
        const fixed = unreloaded(flags, now);
        if (fixed.length > 0) warn(`only a restart changes ${fixed.join(", ")}`);
      } catch (error) {
        warn(`can't reload, so the rest stays as it was: ${summary(error)}`);
      }
    };
    const endReloads = context.onHangUp(() => void (reloads = reloads.then(reload)));
    const signIn = signInText(access.signIn, { canPush: !flags.readOnly && flags.proxy.length === 0 });
    log.info(`serving from ${name} at ${server.url} (${signIn})`, { store: name, url: server.url });
    if (bucket && !flags.readOnly) {
      bucket.heedsConditions({ signal }).then(
        (heeds) => heeds || warn(`the bucket ignores conditional writes (If-Match): run only one server on it`),
        (error) =>
          signal.aborted || warn(`can't detect whether the bucket supports conditional writes: ${summary(error)}`),
      );
    }
    if (interval > 0 && !flags.readOnly) {
      void collectStoreGarbageEvery(store, {
        interval,
        grace,
        uploadExpiry: grace,
        before: keep && (({ signal }) => evictCachedContent(store, { ...keep, signal })),
        onCollected: (garbage) =>
          log.info(`garbage collection: removed ${garbageSummary(garbage)}`, {
            blobs: garbage.blobs,
            bytes: garbage.bytes,
            uploads: garbage.uploads,
          }),
        onError: (error) => warn(`garbage collection: ${summary(error)}`),
        signal,
      });
    }
    await aborted(signal);
    endReloads();
    const drained = await server.shutdown({ patience: flags.drain * 1000 });
    await requests?.close();
    if (!drained) warn(`aborted requests that were pending after ${flags.drain} s`);
  },
});

/** Describes what clients can do without sign-in, and how to change that. */
function signInText(signIn: SignIn, { canPush }: { canPush: boolean }): string {
  switch (signIn) {
    case "nothing":
      return `every client may ${
        canPush ? "pull and push" : "pull"
      }: --htpasswd or GCRANE_REGISTRY_USERS requires sign-in`;
    case "push":
      return canPush ? "sign-in is required to push" : "every client may pull";
    case "ungranted":
      return "sign-in is required, except for what is granted to anonymous";
    case "everything":
      return "sign-in is required";
  }
}

/** Returns the flags that have other values now and can't be changed while the registry serves. */
function unreloaded(
  flags: { readonly [key: string]: unknown; tlsCert?: string },
  now: { readonly [key: string]: unknown; tlsCert?: string },
): string[] {
  const keptTls = (flags.tlsCert === undefined) === (now.tlsCert === undefined) ? ["tlsCert", "tlsKey"] : ["tlsKey"];
  const reloaded = [...Object.keys(accessFlags), ...keptTls];
  return Object.keys(now)
    .filter((key) => !reloaded.includes(key) && JSON.stringify(flags[key]) !== JSON.stringify(now[key]))
    .map((key) => `--${flagName(key)}`);
}

/** Returns what may be wrong with the flags if there is a proxy in front of the server. */
function proxyWarnings(flags: {
  tokenAuth: boolean;
  tokenKey?: string;
  publicUrl?: string;
  addressHeader?: string;
  tlsCert?: string;
}): string[] {
  const { tokenAuth, tokenKey, publicUrl, addressHeader, tlsCert } = flags;
  if (addressHeader !== undefined) return [];
  if (publicUrl !== undefined) {
    return [
      "with --public-url and without --address-header, all clients behind the proxy count as one address: wrong " +
      "passwords of one slow down the others; set --address-header X-Forwarded-For if the proxy sends it",
    ];
  }
  const isToken = tokenAuth || tokenKey !== undefined;
  return isToken && tlsCert === undefined
    ? [
      "clients send their passwords to a token URL of plain http; serve HTTPS with --tls-cert, or set --public-url or, " +
      "for a proxy that sends X-Forwarded-Proto, --address-header",
    ]
    : [];
}

/** Returns the options with which the cache reaches the other registry. */
function proxyOptions(
  { proxy: proxies, proxyTtl }: { proxy: readonly string[]; proxyTtl: number },
  remote: CommandOptions,
) {
  const [proxy, ...others] = proxies;
  if (proxy === undefined) return undefined;
  if (others.length > 0) {
    throw new UsageError(`--proxy is given ${others.length + 1} times, but a cache has one registry behind it`, {
      hint: "run a server for each of them, with a store of its own",
    });
  }
  if (!/^(https?:\/\/)?[^/]+\/*$/.test(proxy)) {
    throw new UsageError(`--proxy ${proxy} is neither the host of a registry nor its URL`, {
      hint: "for example docker.io or https://registry.example.com",
    });
  }
  const { keychain, fetch, insecure, allowRedirects, registries } = remote;
  return { upstream: proxy, ttl: proxyTtl, keychain, fetch, insecure, allowRedirects, registries };
}

/** Returns the limits of `--proxy-keep`; `undefined` if there are none. */
function keepOf(
  { proxy, proxyKeep }: { proxy: readonly string[]; proxyKeep: readonly string[] },
): { maxAge?: number; maxSize?: number } | undefined {
  if (proxyKeep.length === 0) return undefined;
  if (proxy.length === 0) throw new UsageError("--proxy-keep needs --proxy");
  return Object.assign(
    {},
    ...proxyKeep.map((text) =>
      /b$/i.test(text) ? { maxSize: sizeFlag("proxy-keep", text) } : { maxAge: durationFlag("proxy-keep", text) }
    ),
  );
}

/** Returns the origins of `--cors`, whose variable separates them by spaces. */
async function originsOf(texts: readonly string[]): Promise<readonly string[]> {
  const { checkOrigins } = await import("../../src/registry/internal.ts");
  try {
    return checkOrigins(texts.flatMap((text) => text.split(/\s+/)).filter(Boolean));
  } catch (error) {
    throw new UsageError(`--cors: ${(error as Error).message}`, { cause: error });
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

async function certificate(flags: { tlsCert?: string; tlsKey?: string }): Promise<TlsCertificate | undefined> {
  const { tlsCert, tlsKey } = flags;
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new UsageError("--tls-cert and --tls-key require each other");
  }
  return { cert: await readNamed(tlsCert), key: await readNamed(tlsKey) };
}
