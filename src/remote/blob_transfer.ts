import { HttpError, NetworkError, ProtocolError } from "../errors.ts";
import { type AbortOptions, observe, readAll, retry, type RetryVerdict } from "../io/mod.ts";
import type { Layer, ProgressReporter } from "../image/mod.ts";
import type { Repository } from "../name/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import {
  type Answer,
  checkRedirect,
  discard,
  redactUrl,
  resolveLocation,
  retryVerdict,
  type StreamBody,
} from "../transport/mod.ts";
import { skip } from "./blob_body.ts";
import { hasBlob } from "./blob_fetch.ts";
import type { RemoteClient } from "./client.ts";

/** A blob up to this size is sent with the request that commits it, which saves one. */
const MONOLITHIC_SIZE = 64 * 1024;

/** Statuses by which a registry says that it takes no PATCH, or none without a length. */
const NO_CHUNKS = new Set([404, 405, 411, 415, 501]);

/** Options of a {@linkcode BlobTransfer}. */
export interface BlobTransferOptions extends AbortOptions {
  /** Told how far it is. */
  readonly reporter: ProgressReporter;
  /**
   * A session that the registry has begun already.
   * @default one is begun
   */
  readonly session?: URL;
}

/** The sending of one blob: a session, its bytes, the commit; taken up again where it was cut. */
export class BlobTransfer {
  readonly #client: RemoteClient;
  readonly #repository: Repository;
  readonly #layer: Layer;
  readonly #reporter: ProgressReporter;
  readonly #signal: AbortSignal | undefined;
  /** Whether the layer can be read once: then it has one try. */
  readonly #oneShot: boolean;
  /** The session, while there is one. */
  #location: URL | undefined;
  /** Whether something was sent to the session, and nobody knows how much of it arrived. */
  #interrupted = false;
  /** Whether the commit may have been heard though its answer was not. */
  #committed = false;
  /** Whether the registry is sent the whole blob with the commit. */
  #monolithic = false;
  /** The furthest byte at which the upload was taken up again. */
  #furthest = 0;
  #reported = 0;

  /** Makes it; nothing is sent before it runs. */
  constructor(client: RemoteClient, repository: Repository, layer: Layer, options: BlobTransferOptions) {
    this.#client = client;
    this.#repository = repository;
    this.#layer = layer;
    this.#reporter = options.reporter;
    this.#signal = options.signal;
    this.#oneShot = layer.streaming;
    this.#location = options.session;
  }

  /** Sends it. Tries that get further than those before earn new ones. */
  async run(): Promise<void> {
    if (this.#oneShot) return await this.#attempt();
    while (true) {
      const before = this.#furthest;
      try {
        return await retry(() => this.#attempt(), transferVerdict, {
          ...this.#client.options.retry,
          signal: this.#signal,
        });
      } catch (error) {
        if (this.#signal?.aborted || this.#furthest <= before || transferVerdict(error) === false) throw error;
      }
    }
  }

  async #attempt(): Promise<void> {
    const known = this.#layer.digestKnown();
    const size = known ? await this.#layer.size() : undefined;
    const offset = await this.#takeUp(size);
    if (this.#committed && await this.#isThere()) return;
    this.#committed = false;
    this.#location ??= await this.#start();
    this.#interrupted = true;
    if (size !== undefined && (this.#monolithic || (size <= MONOLITHIC_SIZE && offset === 0))) {
      return await this.#commit(size <= MONOLITHIC_SIZE ? await this.#bytes(size) : this.#body(0, size));
    }
    if (offset !== size) {
      try {
        await this.#patch(offset, size);
      } catch (error) {
        if (!isRefusalOfChunks(error) || this.#oneShot) throw error;
        this.#monolithic = true;
        this.#location = undefined;
        return await this.#attempt();
      }
    }
    await this.#commit();
  }

  async #start(): Promise<URL> {
    return nextLocation(await this.#request("POST", "/blobs/uploads/", { expect: [202], repeatable: true }));
  }

  /** Where a cut upload goes on: after what the registry says it has; from the start when it says nothing. */
  async #takeUp(size: number | undefined): Promise<number> {
    if (!this.#interrupted) return 0;
    this.#interrupted = false;
    const location = this.#location;
    this.#location = undefined;
    if (!location || size === undefined || this.#monolithic) return 0;
    try {
      const answer = await this.#request("GET", location, { expect: [204, 202] });
      const range = /^(?:bytes=)?0-(\d+)$/.exec(answer.response.headers.get("range") ?? "");
      // "0-0" is what registries say of an empty session too, and of one byte: so it counts as empty.
      const received = range ? Number(range[1]) + 1 : 0;
      if (received <= 1 || received > size) return 0;
      this.#location = answer.response.headers.get("location") ? nextLocation(answer) : location;
      this.#furthest = Math.max(this.#furthest, received);
      return received;
    } catch (error) {
      if (error instanceof HttpError || error instanceof NetworkError) return 0;
      throw error;
    }
  }

  /** Whether the registry has the blob after all. */
  async #isThere(): Promise<boolean> {
    const digest = await this.#layer.digest();
    return await hasBlob(this.#client, this.#repository, digest, { signal: this.#signal });
  }

  async #patch(offset: number, size: number | undefined): Promise<void> {
    const range: Record<string, string> = offset > 0 ? { "content-range": `${offset}-${size! - 1}` } : {};
    const answer = await this.#request("PATCH", this.#location!, {
      expect: [201, 202, 204],
      body: this.#body(offset, size),
      headers: { "content-type": "application/octet-stream", ...range },
    });
    this.#location = nextLocation(answer);
  }

  async #commit(body?: Bytes | StreamBody): Promise<void> {
    const location = new URL(this.#location!);
    location.searchParams.set("digest", await this.#layer.digest());
    this.#committed = true;
    await this.#request("PUT", location, {
      expect: [201, 204],
      body,
      headers: { "content-type": "application/octet-stream" },
    });
  }

  #body(offset: number, size: number | undefined): StreamBody {
    return {
      open: async () => {
        const stream = await this.#layer.compressed({ signal: this.#signal });
        this.#rewind(offset);
        return observe(skip(stream, offset), { chunk: (bytes) => this.#report(bytes.length) });
      },
      length: size === undefined ? undefined : size - offset,
      demandLength: this.#monolithic,
    };
  }

  async #bytes(size: number): Promise<Bytes> {
    const stream = await this.#layer.compressed({ signal: this.#signal });
    const bytes = await readAll(stream, { limit: size, what: "blob", signal: this.#signal });
    this.#rewind(0);
    this.#report(bytes.length);
    return bytes;
  }

  #report(count: number): void {
    this.#reported += count;
    this.#reporter.advance(count);
  }

  /** What a failed try had reported is taken back. */
  #rewind(offset: number): void {
    this.#report(offset - this.#reported);
  }

  async #request(
    method: string,
    to: string | URL,
    options: {
      expect: readonly number[];
      body?: Bytes | StreamBody;
      headers?: Record<string, string>;
      repeatable?: boolean;
    },
  ): Promise<Answer> {
    const request = { method, to, access: "push", signal: this.#signal, repeatable: false, ...options } as const;
    const answer = await this.#client.request(this.#repository, request);
    await discard(answer.response);
    return answer;
  }
}

/** Where an upload goes on (distribution-spec, "Pushing blobs"); never to another host that is private. */
export function nextLocation({ response, url }: Answer): URL {
  const location = response.headers.get("location");
  if (!location) throw new ProtocolError(`${redactUrl(url)}: the registry started an upload but said not where`);
  const next = resolveLocation(location, url);
  checkRedirect(url, next);
  return next;
}

function isRefusalOfChunks(error: unknown): boolean {
  return error instanceof HttpError && NO_CHUNKS.has(error.status) && !isLostSession(error);
}

/** Whether the registry does not know the session any more, or has another part of the blob than was thought. */
function isLostSession({ status, diagnostics }: HttpError): boolean {
  return status === 416 ||
    ((status === 400 || status === 404) && diagnostics.some(({ code }) => /^BLOB_UPLOAD_/.test(code)));
}

/** A whole upload is tried again when the session was lost, too. */
function transferVerdict(error: unknown): RetryVerdict {
  return error instanceof HttpError && isLostSession(error) ? {} : retryVerdict(error);
}
