/**
 * The registry as a Cloudflare Worker over an R2 bucket: see `wrangler.jsonc`.
 *
 * @module
 */
import { accessFromSettings } from "./access/access_settings.ts";
import { collectStoreGarbage } from "./gc/garbage.ts";
import type { R2BucketLike } from "./stores/bucket/r2_binding.ts";
import { r2Store, type R2StoreOptions } from "./stores/bucket/r2_bucket.ts";
import { createRegistry, type RegistryHandler, type RegistryOptions } from "./registry.ts";

/** The bindings of the Worker: its bucket, variables and secrets. */
interface WorkerEnvironment {
  /** The bucket that holds the registry. */
  readonly BUCKET: R2BucketLike;
  /**
   * `https://ACCOUNT.r2.cloudflarestorage.com/BUCKET`, R2's API of S3, to send clients to the bucket for blobs of 64 KiB or
   * more; needs the keys.
   */
  readonly GCRANE_REGISTRY_REDIRECT?: string;
  /** An access key of R2 that may read the bucket. */
  readonly AWS_ACCESS_KEY_ID?: string;
  /** A secret: that belongs to the access key. */
  readonly AWS_SECRET_ACCESS_KEY?: string;
  /** `true` for a registry that refuses writes. */
  readonly GCRANE_REGISTRY_READ_ONLY?: string;
  /** `true` to accept manifests whose content is not all here. */
  readonly GCRANE_REGISTRY_ALLOW_SPARSE?: string;
  /** A secret: users with their passwords, as lines of `user:password`. */
  readonly GCRANE_REGISTRY_USERS?: string;
  /** Rules: `USER=REPOSITORY:ACTIONS`, separated by spaces. */
  readonly GCRANE_REGISTRY_ALLOW?: string;
  /** `true` to let every client pull. */
  readonly GCRANE_REGISTRY_ANONYMOUS_PULL?: string;
  /** `true` to exchange passwords for tokens; needs the key, which the instances of the Worker share. */
  readonly GCRANE_REGISTRY_TOKEN_AUTH?: string;
  /** A secret: the private key that tokens are signed with, as PEM or JWK. */
  readonly GCRANE_REGISTRY_TOKEN_KEY?: string;
  /** The origins whose scripts may use the registry, separated by spaces; `*` is every origin. */
  readonly GCRANE_REGISTRY_CORS?: string;
  /** `false` for no web page. */
  readonly GCRANE_REGISTRY_PAGE?: string;
}

/** Keeps a Worker alive for work that outlasts the response. */
interface ExecutionContext {
  waitUntil(promise: Promise<unknown>): void;
}

/** The stream of workerd that makes it send `Content-Length`. */
type FixedLengthStreamType = new (length: number) => TransformStream<Uint8Array, Uint8Array>;

let current: { environment: WorkerEnvironment; registry: RegistryHandler } | undefined;

/** Returns the registry of an instance, one for all its requests, so that they share what it remembers. */
function registryOf(environment: WorkerEnvironment): RegistryHandler {
  if (current?.environment.BUCKET !== environment.BUCKET) {
    const store = r2Store(environment.BUCKET, { signedUrls: signedUrlsOf(environment) });
    current = { environment, registry: createRegistry({ ...workerOptions(environment), store }) };
  }
  return current.registry;
}

/** Returns how URLs of blobs are signed, if they are. @throws {TypeError} if the variables are malformed. */
function signedUrlsOf(environment: WorkerEnvironment): R2StoreOptions["signedUrls"] {
  const { GCRANE_REGISTRY_REDIRECT: url, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = environment;
  if (url === undefined) return undefined;
  const [, endpoint, bucket] = /^(https:\/\/[^/?#@]+)\/([^/?#]+)\/?$/.exec(url) ?? [];
  if (endpoint === undefined) throw new TypeError("GCRANE_REGISTRY_REDIRECT is not https://ENDPOINT/BUCKET");
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    throw new TypeError("GCRANE_REGISTRY_REDIRECT needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  }
  return { endpoint, bucket, accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY };
}

/** Returns the response with a body whose length workerd sends even though it is a stream. */
function withLength(response: Response): Response {
  const { FixedLengthStream } = globalThis as { FixedLengthStream?: FixedLengthStreamType };
  const length = response.headers.get("Content-Length");
  if (!response.body || length === null || FixedLengthStream === undefined) return response;
  const { readable, writable } = new FixedLengthStream(Number(length));
  response.body.pipeTo(writable).catch(() => {}); // the client sees that it ends too early
  return new Response(readable, response);
}

/** The Worker: it answers requests, and collects the garbage when its cron trigger fires. */
const worker: {
  fetch(request: Request, environment: WorkerEnvironment, context: ExecutionContext): Promise<Response>;
  scheduled(event: unknown, environment: WorkerEnvironment, context: ExecutionContext): void;
} = {
  async fetch(request, environment, context) {
    const response = await registryOf(environment).handle(request, {
      address: request.headers.get("CF-Connecting-IP") ?? undefined, // set by Cloudflare, which no client can override
      waitUntil: (work) => context.waitUntil(work),
    });
    return withLength(response);
  },
  scheduled(_event, environment, context) {
    context.waitUntil(
      collectStoreGarbage(r2Store(environment.BUCKET)).then(
        ({ blobs, bytes, uploads }) => console.log(JSON.stringify({ garbage: { blobs, bytes, uploads } })),
        (error) => console.error(`garbage collection: ${(error as Error).message}`),
      ),
    );
  },
};

export default worker;
export type { R2BucketLike, WorkerEnvironment };

/**
 * Makes the options of the registry from the variables and secrets of the Worker.
 *
 * @throws {TypeError} if one is malformed.
 */
function workerOptions(environment: WorkerEnvironment): Omit<RegistryOptions, "store"> {
  const allow = environment.GCRANE_REGISTRY_ALLOW;
  const tokenAuth = environment.GCRANE_REGISTRY_TOKEN_AUTH === "true";
  const tokenKey = environment.GCRANE_REGISTRY_TOKEN_KEY;
  if (tokenAuth && !tokenKey) throw new TypeError("GCRANE_REGISTRY_TOKEN_AUTH needs GCRANE_REGISTRY_TOKEN_KEY");
  return {
    allowSparse: environment.GCRANE_REGISTRY_ALLOW_SPARSE === "true",
    readOnly: environment.GCRANE_REGISTRY_READ_ONLY === "true",
    redirect: environment.GCRANE_REGISTRY_REDIRECT !== undefined,
    page: environment.GCRANE_REGISTRY_PAGE !== "false",
    cors: environment.GCRANE_REGISTRY_CORS?.split(/\s+/).filter(Boolean),
    metrics: false, // each instance would have numbers of its own
    access: accessFromSettings({
      users: environment.GCRANE_REGISTRY_USERS,
      allow: allow ? [allow] : [],
      anonymousPull: environment.GCRANE_REGISTRY_ANONYMOUS_PULL === "true",
      tokenAuth,
      tokenKey,
    }, { label: (setting) => `GCRANE_REGISTRY_${setting.replaceAll(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}` }),
    onError: (error, request) => {
      const where = request ? `${request.method} ${new URL(request.url).pathname}: ` : "";
      console.error(`${where}${(error as Error).message}`);
    },
  };
}
