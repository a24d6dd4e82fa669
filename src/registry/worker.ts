/**
 * The registry as a Cloudflare Worker over an R2 bucket: see `wrangler.jsonc`.
 *
 * @module
 */
import { collectStoreGarbage } from "./gc/garbage.ts";
import type { R2BucketLike } from "./stores/bucket/r2_binding.ts";
import { r2Store } from "./stores/bucket/r2_store.ts";
import { createRegistry, type RegistryHandler } from "./registry.ts";
import { type WorkerEnvironment, workerOptions } from "./worker_options.ts";

/** What keeps a Worker alive while it still works. */
interface ExecutionContext {
  waitUntil(promise: Promise<unknown>): void;
}

/** The stream of workerd that makes it send a length. */
type FixedLengthStreamType = new (length: number) => TransformStream<Uint8Array, Uint8Array>;

let current: { environment: WorkerEnvironment; registry: RegistryHandler } | undefined;

/** One registry for all requests of an instance, so that what it remembers is of use. */
function registryOf(environment: WorkerEnvironment): RegistryHandler {
  if (current?.environment.BUCKET !== environment.BUCKET) {
    const options = workerOptions(environment);
    current = { environment, registry: createRegistry({ ...options, store: r2Store(environment.BUCKET) }) };
  }
  return current.registry;
}

/** The same answer, whose length workerd says also where its body is a stream. */
function withLength(response: Response): Response {
  const { FixedLengthStream } = globalThis as { FixedLengthStream?: FixedLengthStreamType };
  const length = response.headers.get("Content-Length");
  if (!response.body || length === null || FixedLengthStream === undefined) return response;
  const { readable, writable } = new FixedLengthStream(Number(length));
  response.body.pipeTo(writable).catch(() => {}); // who reads sees that it ends too early
  return new Response(readable, response);
}

/** The Worker: it answers requests and, when its cron trigger says so, collects the garbage. */
const worker: {
  fetch(request: Request, environment: WorkerEnvironment, context: ExecutionContext): Promise<Response>;
  scheduled(event: unknown, environment: WorkerEnvironment, context: ExecutionContext): void;
} = {
  async fetch(request, environment, context) {
    const response = await registryOf(environment).handle(request, {
      address: request.headers.get("CF-Connecting-IP") ?? undefined, // Cloudflare's own word, which no client can set
      waitUntil: (work) => context.waitUntil(work),
    });
    return withLength(response);
  },
  scheduled(_event, environment, context) {
    context.waitUntil(
      collectStoreGarbage(r2Store(environment.BUCKET)).then(
        ({ blobs, bytes, uploads }) =>
          console.log(JSON.stringify({ garbage: { blobs: blobs.length, bytes, uploads: uploads.length } })),
        (error) => console.error(`garbage collection: ${(error as Error).message}`),
      ),
    );
  },
};

export default worker;
export type { R2BucketLike, WorkerEnvironment };
