import { HttpError, ProtocolError } from "../errors.ts";
import { type AbortOptions } from "../io/mod.ts";
import type { Repository } from "../name/mod.ts";
import { type ByteStream, runtimeFetch } from "../runtime/mod.ts";
import type { Descriptor } from "../spec/mod.ts";
import { checkForeignUrl, discard, redactUrl, responseError, send } from "../transport/mod.ts";
import type { RemoteClient } from "./client.ts";
import { resumable } from "./resume.ts";

/**
 * Opens a blob (distribution-spec, "Pulling blobs"); a cut connection is resumed where it was cut. The bytes are not
 * verified here. A layer that the registry does not hold is looked for at the URLs of its descriptor.
 */
export async function openBlob(
  client: RemoteClient,
  repository: Repository,
  descriptor: Descriptor,
  options: AbortOptions = {},
): Promise<ByteStream> {
  const fromRegistry = (offset: number) => openAt(client, repository, descriptor, offset, options.signal);
  try {
    return await resumable(fromRegistry, { ...options, size: descriptor.size, retry: client.options.retry });
  } catch (error) {
    const urls = descriptor.urls ?? [];
    if (!(error instanceof HttpError && error.status < 500) || urls.length === 0) throw error;
    return await openForeign(client, repository, urls, options);
  }
}

/** What a registry says of a blob without sending it. */
export async function headBlob(
  client: RemoteClient,
  repository: Repository,
  digest: string,
  options: AbortOptions = {},
): Promise<{ size: number }> {
  const { response, url } = await client.request(repository, {
    method: "HEAD",
    to: `/blobs/${digest}`,
    access: "pull",
    expect: [200],
    signal: options.signal,
  });
  await discard(response);
  const size = response.headers.get("content-length");
  if (size === null || !/^\d+$/.test(size)) {
    throw new ProtocolError(`HEAD ${redactUrl(url)}: the answer has no Content-Length`);
  }
  return { size: Number(size) };
}

async function openAt(
  client: RemoteClient,
  repository: Repository,
  descriptor: Descriptor,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<ByteStream> {
  const { response, url } = await client.request(repository, {
    method: "GET",
    to: `/blobs/${descriptor.digest}`,
    access: "pull",
    expect: offset > 0 ? [200, 206] : [200],
    headers: { "accept-encoding": "identity", ...(offset > 0 ? { range: `bytes=${offset}-` } : {}) },
    signal,
  });
  return await body(response, offset, `GET ${redactUrl(url)}`);
}

/** The bytes of an answer from `offset` on, whether the server sent a part or everything. */
async function body(response: Response, offset: number, what: string): Promise<ByteStream> {
  const encoding = response.headers.get("content-encoding");
  if (encoding !== null && encoding !== "" && encoding !== "identity") {
    await response.body?.cancel().catch(() => {});
    throw new ProtocolError(
      `${what}: the server sent the blob in the encoding ${encoding}, so its bytes are not those asked for`,
    );
  }
  const stream = (response.body ?? new Blob([]).stream()) as ByteStream;
  if (offset === 0) return stream;
  if (response.status === 206) {
    const range = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "");
    if (Number(range?.[1]) === offset) return stream;
    await stream.cancel().catch(() => {});
    throw new ProtocolError(`${what}: asked to go on at byte ${offset}, the server sent another range`);
  }
  return skip(stream, offset);
}

/** A stream without its first bytes. */
export function skip(source: ByteStream, count: number): ByteStream {
  const reader = source.getReader();
  let left = count;
  return new ReadableStream({
    async pull(controller) {
      while (true) {
        const { value, done } = await reader.read();
        if (done) return controller.close();
        if (value.length > left) {
          controller.enqueue(value.subarray(left));
          left = 0;
          return;
        }
        left -= value.length;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

/** Opens the first URL that answers, without credentials and under security rule 4. */
async function openForeign(
  client: RemoteClient,
  repository: Repository,
  urls: readonly string[],
  options: AbortOptions,
): Promise<ByteStream> {
  const { base } = await client.connection(repository.registry).ping(options);
  const fetch = client.options.fetch ?? runtimeFetch({ insecureTls: client.options.insecure ?? false });
  let failure: unknown;
  for (const text of urls) {
    try {
      const url = URL.canParse(text) ? new URL(text) : undefined;
      if (!url) throw new ProtocolError(`the foreign layer URL ${redactUrl(text)} is no URL`);
      checkForeignUrl(url, base);
      const headers = new Headers({ "accept-encoding": "identity" });
      const { response } = await send({ method: "GET", url, headers, signal: options.signal }, {
        fetch,
        onRequest: client.options.onRequest,
        checkRedirect: (_from, to) => checkForeignUrl(to, base),
      });
      if (response.status !== 200) throw await responseError(response, { method: "GET", url: url.href });
      return await body(response, 0, `GET ${redactUrl(url)}`);
    } catch (error) {
      options.signal?.throwIfAborted();
      failure = error;
    }
  }
  throw failure;
}
