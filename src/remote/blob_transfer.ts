import { GcraneError, HttpError, NetworkError, ProtocolError } from "../errors.ts";
import type { BlobNode, PutOptions } from "../graph/mod.ts";
import { drain, observe, readAll, retry, type RetryVerdict } from "../io/mod.ts";
import type { Content } from "../image/mod.ts";
import type { Repository } from "../name/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import {
  type Answer,
  checkRedirect,
  discard,
  type OutgoingRequest,
  redactUrl,
  resolveLocation,
  retryVerdict,
  type StreamBody,
} from "../transport/mod.ts";
import { hasBlob } from "./blob_fetch.ts";
import type { Client } from "./client.ts";
import { openNative } from "./native_body.ts";

/** A blob up to this size is sent with the request that commits it, which saves one. */
const MONOLITHIC_SIZE = 64 * 1024;

/** Statuses by which a registry says that it takes no PATCH, or none without a length. */
const NO_CHUNKS = new Set([404, 405, 411, 415, 501]);

/** Options of a {@linkcode BlobTransfer}. */
export interface BlobTransferOptions extends PutOptions {
  /**
   * A session that the registry has begun already.
   * @default one is begun
   */
  readonly session?: URL;
}

/** The sending of one blob: a session, its bytes, the commit; taken up again where it was cut. */
export class BlobTransfer {
  readonly #client: Client;
  readonly #repository: Repository;
  readonly #content: Content;
  readonly #onBytes: PutOptions["onBytes"];
  readonly #signal: AbortSignal | undefined;
  /** The session, while there is one. */
  #location: URL | undefined;
  /** Whether something was sent to the session, and it is not known how much of it arrived. */
  #interrupted = false;
  /** Whether the commit may have been heard though its answer was not. */
  #committed = false;
  /** Whether the registry is sent the whole blob with the commit. */
  #monolithic = false;
  /** Whether bytes were sent that were not verified on the way, so that the registry may refuse them. */
  #unverified = false;
  /** Whether the next try may hand the content to the runtime whole. */
  #mayPass = true;
  /** The furthest byte at which the upload was taken up again. */
  #furthest = 0;
  #reported = 0;

  /** Makes it; nothing is sent before it runs. */
  constructor(client: Client, repository: Repository, blob: BlobNode, options: BlobTransferOptions) {
    this.#client = client;
    this.#repository = repository;
    this.#content = blob.content;
    this.#onBytes = options.onBytes;
    this.#signal = options.signal;
    this.#location = options.session;
  }

  /** Sends it. Tries that get further than those before earn new ones. */
  async run(): Promise<void> {
    if (this.#content.once) return await this.#attempt();
    while (true) {
      const before = this.#furthest;
      try {
        return await retry(() => this.#attempt(), (error) => this.#verdict(error), {
          ...this.#client.options.retry,
          signal: this.#signal,
        });
      } catch (error) {
        if (this.#signal?.aborted || this.#furthest <= before || this.#verdict(error) === false) throw error;
      }
    }
  }

  async #attempt(): Promise<void> {
    const size = this.#content.identity?.size;
    const offset = await this.#takeUp(size);
    if (this.#committed && await this.#isThere()) return;
    this.#committed = false;
    this.#location ??= await this.#start();
    this.#interrupted = true;
    if (size !== undefined && (this.#monolithic || (size <= MONOLITHIC_SIZE && offset === 0))) {
      return await this.#commit(size <= MONOLITHIC_SIZE ? await this.#bytes(size) : this.#body(0, size));
    }
    if (offset === 0 && size !== undefined) {
      const passed = await this.#pass(size);
      if (passed === "done") return await this.#commit();
      if (passed === "failed") return await this.#attempt();
    }
    if (offset !== size) {
      try {
        await this.#patch(offset, size, this.#body(offset, size));
      } catch (error) {
        if (!isRefusalOfChunks(error) || this.#content.once) throw error;
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
      const received = receivedBytes(answer);
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
    const { digest } = this.#content.identity!;
    return await hasBlob(this.#client, this.#repository, { digest, access: "push" }, { signal: this.#signal });
  }

  /**
   * Hands the content to the runtime whole, so that its bytes do not pass through JavaScript. Where that fails, for
   * whatever reason, the next try is a stream that goes on from there: it finds out which side failed.
   */
  async #pass(size: number): Promise<"done" | "failed" | "not possible"> {
    const mayPass = this.#mayPass && this.#onBytes === undefined;
    this.#mayPass = false;
    const url = this.#location!;
    if (!mayPass || this.#client.earlyAnswers.has(url.host)) return "not possible";
    const { place } = this.#content;
    await using native = await openNative(this.#client.options, { place, url, size, signal: this.#signal });
    if (!native) return "not possible";
    this.#unverified = true;
    try {
      const received = receivedBytes(await this.#patch(0, size, native.body, native.signal));
      // A file that shrank is sent chunked, and looks whole.
      return received <= 1 || received === size ? "done" : "failed";
    } catch (error) {
      this.#signal?.throwIfAborted();
      if (!(error instanceof GcraneError || native.signal.aborted)) throw error;
      const isEarly = error instanceof HttpError && (error.status < 500 || isRefusalOfChunks(error));
      if (isEarly) this.#client.earlyAnswers.add(url.host);
      return "failed";
    }
  }

  async #patch(
    offset: number,
    size: number | undefined,
    body: NonNullable<OutgoingRequest["body"]>,
    signal: AbortSignal | undefined = this.#signal,
  ): Promise<Answer> {
    const range: Record<string, string> = offset > 0 ? { "content-range": `${offset}-${size! - 1}` } : {};
    const answer = await this.#request("PATCH", this.#location!, {
      expect: [201, 202, 204],
      body,
      headers: { "content-type": "application/octet-stream", ...range },
      signal,
    });
    this.#location = nextLocation(answer);
    return answer;
  }

  async #commit(body?: Bytes | StreamBody): Promise<void> {
    const location = new URL(this.#location!);
    location.searchParams.set("digest", this.#content.identity!.digest);
    this.#committed = true;
    try {
      const answer = await this.#request("PUT", location, {
        expect: [201, 204],
        body,
        headers: { "content-type": "application/octet-stream" },
      });
      if (this.#unverified) await this.#checkStored(answer);
    } catch (error) {
      if (this.#unverified && isDigestRefusal(error)) await this.#checkOwnSide();
      throw error;
    }
  }

  /**
   * Checks that the registry has verified what was not verified on the way, as its answer says. From one that does not say
   * so the content is read once more here, and further blobs are sent to it as streams, verified.
   */
  async #checkStored({ response, url }: Answer): Promise<void> {
    const { digest } = this.#content.identity!;
    const stored = response.headers.get("docker-content-digest");
    if (stored === digest) return;
    if (stored !== null) {
      throw new ProtocolError(`PUT ${redactUrl(url)}: the registry has stored ${stored} where ${digest} was sent`);
    }
    this.#client.earlyAnswers.add(url.host);
    await this.#checkOwnSide();
  }

  /** Reads the content, verified: it fails where this side is wrong. */
  async #checkOwnSide(): Promise<void> {
    await drain(await this.#content.open({ signal: this.#signal }), { signal: this.#signal });
  }

  #body(offset: number, size: number | undefined): StreamBody {
    return {
      open: async () => {
        if (offset > 0) this.#unverified = true;
        const stream = await this.#content.open({ offset, signal: this.#signal });
        this.#rewind(offset);
        return this.#onBytes ? observe(stream, { chunk: (bytes) => this.#report(bytes.length) }) : stream;
      },
      length: size === undefined ? undefined : size - offset,
      demandLength: this.#monolithic,
    };
  }

  async #bytes(size: number): Promise<Bytes> {
    const stream = await this.#content.open({ signal: this.#signal });
    const bytes = await readAll(stream, { limit: size, what: "blob", signal: this.#signal });
    this.#rewind(0);
    this.#report(bytes.length);
    return bytes;
  }

  #report(count: number): void {
    this.#reported += count;
    this.#onBytes?.(count);
  }

  /** Takes back what a failed try had reported. */
  #rewind(offset: number): void {
    this.#report(offset - this.#reported);
  }

  /** A whole upload is tried again when the session was lost, too, and once when the registry refused good bytes. */
  #verdict(error: unknown): RetryVerdict {
    if (this.#unverified && isDigestRefusal(error)) {
      this.#unverified = false;
      this.#interrupted = false;
      this.#location = undefined;
      return { afterMs: 0 };
    }
    return error instanceof HttpError && isLostSession(error) ? {} : retryVerdict(error);
  }

  async #request(
    method: string,
    to: string | URL,
    options: {
      expect: readonly number[];
      body?: OutgoingRequest["body"];
      headers?: Record<string, string>;
      repeatable?: boolean;
      signal?: AbortSignal;
    },
  ): Promise<Answer> {
    const request = { method, to, access: "push", signal: this.#signal, repeatable: false, ...options } as const;
    const answer = await this.#client.request(this.#repository, request);
    await discard(answer.response);
    return answer;
  }
}

/** How many bytes a session has. "0-0" is what registries say of an empty one too, and of one byte. */
function receivedBytes({ response }: Answer): number {
  const range = /^(?:bytes=)?0-(\d+)$/.exec(response.headers.get("range") ?? "");
  return range ? Number(range[1]) + 1 : 0;
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

/** Whether the registry says that what it has does not have the digest of the blob. */
function isDigestRefusal(error: unknown): boolean {
  return error instanceof HttpError && error.diagnostics.some(({ code }) => code === "DIGEST_INVALID");
}
