import { HttpError, NetworkError, ProtocolError } from "../errors.ts";
import { observe, readAll, retry, type RetryVerdict } from "../io/mod.ts";
import type { Layer, ProgressReporter } from "../image/mod.ts";
import type { Repository } from "../name/mod.ts";
import type { Bytes, ByteStream } from "../runtime/mod.ts";
import type { Hash } from "../spec/mod.ts";
import { type Answer, checkRedirect, discard, redactUrl, resolveLocation, retryVerdict } from "../transport/mod.ts";
import { skip } from "./blob_fetch.ts";
import type { RemoteClient } from "./client.ts";

/** What is sent as a stream; it can be opened again. */
interface BlobBody {
  open(): Promise<ByteStream>;
  readonly length: number | undefined;
  readonly demandLength: boolean;
}

/** A blob up to this size is sent with the request that commits it, which saves one. */
const MONOLITHIC_SIZE = 64 * 1024;

/** Statuses by which a registry says that it takes no PATCH, or none without a length. */
const NO_CHUNKS = new Set([404, 405, 411, 415, 501]);

/** Statuses that may mean that the registry does not know the session any more. */
const SESSION_LOST = new Set([400, 404, 416]);

/** The sending of one blob: a session, its bytes, the commit; taken up again where it was cut. */
export class BlobTransfer {
  readonly #client: RemoteClient;
  readonly #repository: Repository;
  readonly #layer: Layer;
  readonly #reporter: ProgressReporter;
  readonly #signal: AbortSignal | undefined;
  /** The session, once there is one that may be taken up again. */
  #location: URL | undefined;
  /** Whether the registry is sent the whole blob with the commit. */
  #monolithic = false;
  #reported = 0;

  constructor(
    client: RemoteClient,
    repository: Repository,
    layer: Layer,
    reporter: ProgressReporter,
    signal: AbortSignal | undefined,
  ) {
    this.#client = client;
    this.#repository = repository;
    this.#layer = layer;
    this.#reporter = reporter;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    // A stream can't be read a second time, so it has one try.
    if (this.#layer.streaming) return await this.#attempt();
    await retry(() => this.#attempt(), transferVerdict, { ...this.#client.options.retry, signal: this.#signal });
  }

  async #attempt(): Promise<void> {
    const offset = this.#location ? await this.#resumeOffset(this.#location) : 0;
    this.#location ??= await this.#start();
    const small = this.#layer.digestKnown() && await this.#layer.size() <= MONOLITHIC_SIZE;
    if (this.#monolithic || (small && offset === 0)) {
      return await this.#commit(await this.#layer.digest(), small ? await this.#bytes() : await this.#body(0));
    }
    try {
      await this.#patch(offset);
    } catch (error) {
      if (!(error instanceof HttpError && NO_CHUNKS.has(error.status)) || this.#layer.streaming) throw error;
      this.#monolithic = true;
      this.#location = undefined;
      return await this.#attempt();
    }
    await this.#commit(await this.#layer.digest());
  }

  async #start(): Promise<URL> {
    const answer = await this.#request("POST", "/blobs/uploads/", { expect: [202] });
    return nextLocation(answer);
  }

  async #patch(offset: number): Promise<void> {
    const size = this.#layer.digestKnown() ? await this.#layer.size() : undefined;
    const range: Record<string, string> = offset > 0 && size !== undefined
      ? { "content-range": `${offset}-${size - 1}` }
      : {};
    const answer = await this.#request("PATCH", this.#location!, {
      expect: [201, 202, 204],
      body: await this.#body(offset),
      headers: { "content-type": "application/octet-stream", ...range },
      repeatable: false,
    });
    this.#location = nextLocation(answer);
  }

  async #commit(digest: Hash, body?: Bytes | BlobBody): Promise<void> {
    const location = new URL(this.#location!);
    location.searchParams.set("digest", digest);
    try {
      await this.#request("PUT", location, {
        expect: [201, 204],
        body,
        headers: { "content-type": "application/octet-stream" },
        repeatable: false,
      });
    } catch (error) {
      // Whatever went wrong, the session may be gone or spoilt: the next try begins anew.
      this.#location = undefined;
      throw error;
    }
  }

  /** Where a cut upload goes on: after what the registry says it has; from the start when it says nothing. */
  async #resumeOffset(location: URL): Promise<number> {
    try {
      const answer = await this.#request("GET", location, { expect: [204, 202], repeatable: false });
      const range = /^(?:bytes=)?0-(\d+)$/.exec(answer.response.headers.get("range") ?? "");
      if (range && this.#layer.digestKnown()) {
        if (answer.response.headers.get("location")) this.#location = nextLocation(answer);
        // "0-0" is what registries say of an empty session too, and of one byte: so it counts as empty.
        const received = Number(range[1]) + 1;
        if (received > 1 && received < await this.#layer.size()) return received;
      }
    } catch (error) {
      if (!(error instanceof HttpError || error instanceof NetworkError)) throw error;
    }
    this.#location = undefined;
    return 0;
  }

  async #body(offset: number): Promise<BlobBody> {
    const size = this.#layer.digestKnown() ? await this.#layer.size() : undefined;
    return {
      open: async () => {
        const stream = await this.#layer.compressed({ signal: this.#signal });
        this.#rewind(offset);
        return observe(offset > 0 ? skip(stream, offset) : stream, { chunk: (bytes) => this.#report(bytes.length) });
      },
      length: size === undefined ? undefined : size - offset,
      demandLength: this.#monolithic,
    };
  }

  async #bytes(): Promise<Bytes> {
    const size = await this.#layer.size();
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
      body?: Bytes | BlobBody;
      headers?: Record<string, string>;
      repeatable?: boolean;
    },
  ): Promise<Answer> {
    const answer = await this.#client.request(this.#repository, {
      method,
      to,
      access: "push",
      signal: this.#signal,
      ...options,
    });
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

/** A whole upload is tried again when the session was lost, too. */
function transferVerdict(error: unknown): RetryVerdict {
  if (error instanceof HttpError && SESSION_LOST.has(error.status)) {
    return error.diagnostics.some(({ code }) => /^BLOB_UPLOAD_/.test(code)) ? {} : false;
  }
  return retryVerdict(error);
}
