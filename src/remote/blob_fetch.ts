import { HttpError, ProtocolError } from "../errors.ts";
import type { OpenContentOptions } from "../image/mod.ts";
import { type AbortOptions, decompress, sliceStream } from "../io/mod.ts";
import type { Repository } from "../name/mod.ts";
import { type ByteStream, fetchAt, isGzip, keepsEncoding, passesBodies } from "../runtime/mod.ts";
import type { Descriptor } from "../spec/mod.ts";
import { checkForeignUrl, discard, redactUrl, responseError, send } from "../transport/internal.ts";
import type { Answer } from "../transport/mod.ts";
import type { Access, Client } from "./client.ts";
import type { ContentServer } from "./mirrors.ts";
import { resumable } from "./resume.ts";

/**
 * Opens a blob (distribution-spec, "Pulling blobs") and resumes after a cut connection. Does not verify the bytes.
 * Tries the URLs of its descriptor for a layer that the registry does not hold.
 */
export async function openBlob(
  client: Client,
  repository: Repository,
  descriptor: Descriptor,
  options: OpenContentOptions = {},
): Promise<ByteStream> {
  const { digest, size } = descriptor;
  const { offset: start = 0, signal } = options;
  let opened = 0;
  const open = async (offset: number) => {
    const read = async (server: ContentServer) => {
      const answer = await getBlob(server, digest, { offset, signal });
      return await blobBody(answer, { offset, size, fetch: await server.fetchAt(answer.url, { signal }) });
    };
    // What a mirror began and did not end, the registry continues.
    return await client.readContent(repository, read, { signal, useMirrors: opened++ === 0 });
  };
  const { retry, timeouts } = client.options;
  const what = `blob ${digest} of ${repository}`;
  const resuming = { signal, start, size, what, retry, stallMs: timeouts?.stallMs };
  try {
    return await resumable(open, resuming);
  } catch (error) {
    const urls = descriptor.urls ?? [];
    if (!(error instanceof HttpError && error.status < 500) || urls.length === 0) throw error;
    let failure: unknown = error;
    for (const url of urls) {
      try {
        return await resumable(
          (offset) => openForeign(client, repository, { url, offset, size, signal }),
          resuming,
        );
      } catch (error) {
        options.signal?.throwIfAborted();
        failure = error;
      }
    }
    throw failure;
  }
}

/**
 * Requests a blob and returns the response with its body unread, so that it can be sent to another registry as it is.
 *
 * @throws {ProtocolError} if the body is encoded or its length is not that of the blob.
 */
export async function blobResponse(
  client: Client,
  repository: Repository,
  { digest, size }: Descriptor,
  options: AbortOptions = {},
): Promise<Response> {
  const { streamedBlobs } = client;
  const { name } = repository.registry;
  return await client.readContent(repository, async (server) => {
    if (streamedBlobs.has(name) || !passesBodies(await server.fetchAt(undefined, options))) {
      throw new ProtocolError(`the blobs of ${name} pass through JavaScript`);
    }
    const { response, url } = await getBlob(server, digest, { ...options, offset: 0 });
    const { headers } = response;
    const isWhole = !headers.has("content-encoding") && headers.get("content-length") === String(size) &&
      passesBodies(await server.fetchAt(url, options));
    if (isWhole && response.body) return response;
    streamedBlobs.add(name);
    await discard(response);
    throw new ProtocolError(`GET ${redactUrl(url)}: the answer is not the blob's ${size} bytes as they are stored`);
  }, options);
}

async function getBlob(
  server: ContentServer,
  digest: string,
  { offset, signal }: { offset: number; signal?: AbortSignal },
): Promise<Answer> {
  return await server.request({
    method: "GET",
    to: `/blobs/${digest}`,
    expect: offset > 0 ? [200, 206] : [200],
    headers: rangeHeaders(offset),
    verbatim: true,
    signal,
  });
}

/** Reads the size and media type of a blob with a HEAD request. */
export async function headBlob(
  client: Client,
  repository: Repository,
  digest: string,
  options: AbortOptions = {},
): Promise<{ size: number }> {
  const { response, url } = await askBlob(client, repository, { digest, access: "pull", expect: [200], ...options });
  const size = response.headers.get("content-length");
  if (size === null || !/^\d+$/.test(size)) {
    throw new ProtocolError(`HEAD ${redactUrl(url)}: the answer has no Content-Length`);
  }
  return { size: Number(size) };
}

/** Returns whether a repository holds a blob; `access` is what the token must allow. */
export async function hasBlob(
  client: Client,
  repository: Repository,
  { digest, access }: { digest: string; access: Access },
  options: AbortOptions = {},
): Promise<boolean> {
  const asked = { digest, access, expect: [200, 404], ...options };
  return (await askBlob(client, repository, asked)).response.status === 200;
}

async function askBlob(
  client: Client,
  repository: Repository,
  { digest, ...request }: { digest: string; access: Access; expect: readonly number[]; signal?: AbortSignal },
): Promise<Answer> {
  const answer = await client.request(repository, { ...request, method: "HEAD", to: `/blobs/${digest}` });
  await discard(answer.response);
  return answer;
}

/** Opens a URL of a descriptor, without credentials and under security rule 4. */
async function openForeign(
  client: Client,
  repository: Repository,
  { url: text, offset, size, signal }: { url: string; offset: number; size: number; signal?: AbortSignal },
): Promise<ByteStream> {
  const connection = await client.connection(repository);
  const { base } = await connection.ping({ signal });
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url) throw new ProtocolError("the URL of a foreign layer is not a URL");
  checkForeignUrl(url, base);
  const headers = new Headers(rangeHeaders(offset));
  const answer = await send({ method: "GET", url, headers, verbatim: true, signal }, {
    fetch: connection.fetch,
    onRequest: client.options.onRequest,
    pace: client.options.pace,
    timeouts: client.options.timeouts,
    checkRedirect: (_from, to) => checkForeignUrl(to, base),
  });
  const { status } = answer.response;
  if (status !== 200 && !(status === 206 && offset > 0)) {
    throw await responseError(answer.response, { method: "GET", url: url.href });
  }
  return await blobBody(answer, { offset, size, fetch: await fetchAt(connection.fetch, answer.url) });
}

function rangeHeaders(offset: number): Record<string, string> {
  return offset > 0 ? { range: `bytes=${offset}-` } : {};
}

/** The requested part of a blob. */
interface BlobPart {
  /** The index of the first requested byte. */
  readonly offset: number;
  /** The size of the whole blob in bytes. */
  readonly size: number;
  /** The `fetch` of the requests to the response's URL. */
  readonly fetch: typeof fetch;
}

/**
 * Returns the bytes of a response from `offset` on, whether the server sent that part or the whole blob. Decodes gzip,
 * which some servers send though the request forbids it; a range would be one of the encoded bytes.
 */
async function blobBody({ response, url }: Answer, { offset, size, fetch }: BlobPart): Promise<ByteStream> {
  const stream = (response.body ?? new Blob([]).stream()) as ByteStream;
  const encoded = isEncoded(response, offset, size);
  const problem = response.status === 206 && firstByte(response) !== offset
    ? `the server sent another range than the requested one from byte ${offset}`
    : encoded && (response.status === 206 || !isGzip(response.headers))
    ? `the server sent the blob in the encoding ${response.headers.get("content-encoding")}, which was not requested`
    : undefined;
  if (problem !== undefined) {
    await stream.cancel().catch(() => {});
    throw new ProtocolError(`GET ${redactUrl(url)}: ${problem}`);
  }
  if (response.status === 206) return stream;
  const isCoded = encoded && keepsEncoding(fetch);
  const blob = isCoded ? decompress(stream, "gzip", `GET ${redactUrl(url)}: the answer`) : stream;
  return sliceStream(blob, { offset });
}

function firstByte(response: Response): number {
  return Number(/^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1] ?? NaN);
}

/**
 * Returns whether the response is encoded, so that its bytes are not the blob's. Some storage sets `Content-Encoding`
 * for a gzip layer but sends the layer unchanged: then the length is that of the blob.
 */
function isEncoded(response: Response, offset: number, size: number): boolean {
  const encoding = response.headers.get("content-encoding");
  if (encoding === null || encoding === "" || encoding === "identity") return false;
  const sent = response.status === 206 ? size - offset : size;
  return response.headers.get("content-length") !== String(sent);
}
