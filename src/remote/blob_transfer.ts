import { GcraneError, HttpError, NetworkError, ProtocolError } from "../errors.ts";
import type { BlobNode, PutOptions } from "../graph/mod.ts";
import { decide, drain, observe, readAll, retry, type RetryVerdict } from "../io/mod.ts";
import type { Content } from "../image/mod.ts";
import type { Repository } from "../name/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { checkRedirect, discard, redactUrl, resolveLocation, retryVerdict } from "../transport/internal.ts";
import type { OutgoingRequest, StreamBody } from "../transport/mod.ts";
import type { Answer } from "../transport/mod.ts";
import { hasBlob } from "./blob_fetch.ts";
import type { Client } from "./client.ts";
import { openNative } from "./native_body.ts";
import { FIRST_WAY, StreamPieces, type UploadWay, wayAfter, wayAfterPut } from "./upload_way.ts";

/** The largest blob that is sent in the request that commits it, which saves a request. */
const MONOLITHIC_SIZE = 64 * 1024;

/** Options of a {@linkcode BlobTransfer}. */
export interface BlobTransferOptions extends PutOptions {
  /**
   * An upload session that is open already.
   *
   * @default a new session
   */
  readonly session?: URL;
}

/** The upload of one blob: a session, the bytes, the commit. A cut upload is resumed. */
export class BlobTransfer {
  readonly #client: Client;
  readonly #repository: Repository;
  readonly #content: Content;
  readonly #onBytes: PutOptions["onBytes"];
  readonly #signal: AbortSignal | undefined;
  /** The location of the open session. */
  #location: URL | undefined;
  /** Whether bytes were sent to the session and the number that arrived is unknown. */
  #interrupted = false;
  /** Whether the registry may have received the commit although its response was lost. */
  #committed = false;
  /** How the bytes are sent; `undefined` until the host of the session is known. */
  #way: UploadWay | undefined;
  /** Whether bodies have a length from now on, since a PATCH failed that may have had none. */
  #isCareful = false;
  /** The least bytes of a PATCH that is not the last one. */
  #leastChunk = 0;
  /** Whether the sent bytes were not verified first, so that the registry may reject them. */
  #unverified = false;
  /** Whether the next attempt may let the runtime send the content by itself. */
  #mayPass = true;
  /** The furthest offset at which the upload was resumed. */
  #furthest = 0;
  #reported = 0;

  /** Creates the upload; sends nothing before `run`. */
  constructor(client: Client, repository: Repository, blob: BlobNode, options: BlobTransferOptions) {
    this.#client = client;
    this.#repository = repository;
    this.#content = blob.content;
    this.#onBytes = options.onBytes;
    this.#signal = options.signal;
    this.#location = options.session;
  }

  /** Uploads the blob. Progress beyond earlier attempts resets the number of attempts. */
  async run(): Promise<void> {
    if (this.#content.once) return await this.#attempt();
    const options = this.#client.options.retry ?? {};
    while (true) {
      const before = this.#furthest;
      try {
        return await retry(() => this.#attempt(), (error) => this.#verdict(error), {
          ...options,
          signal: this.#signal,
        });
      } catch (error) {
        if (this.#signal?.aborted || this.#furthest <= before) throw error;
        if (decide(this.#verdict(error), error, options) === false) throw error;
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
    const { host } = this.#location;
    const way = this.#way ??= this.#client.uploadWays.get(host) ?? FIRST_WAY;
    if (size !== undefined && (way.isWhole || (!way.isSplit && size <= MONOLITHIC_SIZE && offset === 0))) {
      try {
        await this.#commit(size <= MONOLITHIC_SIZE ? await this.#bytes(size) : this.#body(0, size));
        return this.#remember(host, way);
      } catch (error) {
        const next = this.#wayAfterPut(error, way);
        if (next === undefined) throw error;
        this.#way = next;
        this.#location = undefined;
        this.#committed = false;
        return await this.#attempt();
      }
    }
    if (offset === 0 && size !== undefined && way === FIRST_WAY) {
      const passed = await this.#pass(size);
      if (passed === "done") return await this.#commit();
      if (passed === "failed") return await this.#attempt();
    }
    if (offset !== size) {
      try {
        await this.#send(offset, size, way);
      } catch (error) {
        const next = size === undefined ? undefined : this.#wayAfter(error, way, size - offset);
        if (next === undefined) throw error;
        this.#way = next;
        this.#location = undefined;
        return await this.#attempt();
      }
    }
    await this.#commit();
    this.#remember(host, way);
  }

  /** Records a way that has worked, so that the next blobs for the host are sent so from the start. */
  #remember(host: string, way: UploadWay): void {
    if (way !== FIRST_WAY) this.#client.uploadWays.set(host, way);
  }

  /** Returns the way to try after a failed PATCH; `undefined` if it is not the way that failed, or none is left. */
  #wayAfter(error: unknown, way: UploadWay, size: number): UploadWay | undefined {
    if (!(error instanceof HttpError) || this.#content.once || isLostSession(error)) return undefined;
    if (error.status >= 500) this.#isCareful = true;
    return wayAfter(way, error, { size, least: this.#leastChunk });
  }

  /** Returns the way to try after a failed PUT with bytes; `undefined` if it is not the way that failed. */
  #wayAfterPut(error: unknown, way: UploadWay): UploadWay | undefined {
    if (!(error instanceof HttpError) || this.#content.once || isLostSession(error) || isDigestRefusal(error)) {
      return undefined;
    }
    return wayAfterPut(way, error);
  }

  /** Sends the bytes from an offset on, in one PATCH, or in several where the registry takes no larger ones. */
  async #send(offset: number, size: number | undefined, { chunk }: UploadWay): Promise<void> {
    if (size === undefined || size - offset <= chunk) {
      return void await this.#patch(offset, size, this.#body(offset, size), { isPart: offset > 0 });
    }
    let pieces: StreamPieces | undefined;
    try {
      for (let at = offset; at < size;) {
        const [from, end] = [at, Math.min(at + chunk, size)];
        let isOpen = false;
        const open = async () => {
          // A request that is answered with a challenge is sent again.
          if (isOpen) await pieces?.close();
          if (isOpen || !pieces) pieces = new StreamPieces(await this.#body(from, size).open());
          isOpen = true;
          return pieces.next(end - from, { isLast: end === size });
        };
        await this.#patch(from, end, { open, length: end - from, demandLength: true }, { isPart: true });
        at = end;
      }
    } finally {
      await pieces?.close();
    }
  }

  async #start(): Promise<URL> {
    const answer = await this.#request("POST", "/blobs/uploads/", { expect: [202], repeatable: true });
    const least = Number(answer.response.headers.get("oci-chunk-min-length"));
    this.#leastChunk = Number.isSafeInteger(least) && least > 0 ? least : 0;
    return nextLocation(answer, this.#client);
  }

  /**
   * Returns the offset at which to resume: the number of bytes that the registry reports, or the start if it reports
   * none.
   */
  async #takeUp(size: number | undefined): Promise<number> {
    if (!this.#interrupted) return 0;
    this.#interrupted = false;
    const location = this.#location;
    this.#location = undefined;
    if (!location || size === undefined || this.#way?.isWhole) return 0;
    try {
      const answer = await this.#request("GET", location, { expect: [204, 202] });
      const received = receivedBytes(answer);
      if (received <= 1 || received > size) return 0;
      this.#location = answer.response.headers.get("location") ? nextLocation(answer, this.#client) : location;
      this.#furthest = Math.max(this.#furthest, received);
      return received;
    } catch (error) {
      if (error instanceof HttpError || error instanceof NetworkError) return 0;
      throw error;
    }
  }

  /** Returns whether the registry holds the blob after all. */
  async #isThere(): Promise<boolean> {
    const { digest } = this.#content.identity!;
    return await hasBlob(this.#client, this.#repository, { digest, access: "push" }, { signal: this.#signal });
  }

  /**
   * Lets the runtime send the content by itself, so that its bytes do not pass through JavaScript. After any failure
   * the next attempt streams from the reached offset, which shows which side failed.
   */
  async #pass(size: number): Promise<"done" | "failed" | "not possible"> {
    const mayPass = this.#mayPass && this.#onBytes === undefined;
    this.#mayPass = false;
    const url = this.#location!;
    if (!mayPass || this.#client.earlyAnswers.has(url.host)) return "not possible";
    const { place } = this.#content;
    const { fetch } = await this.#client.connection(this.#repository);
    const native = await openNative(fetch, { place, url, size, signal: this.#signal });
    if (!native) return "not possible";
    this.#unverified = true;
    try {
      const received = receivedBytes(await this.#patch(0, size, native.body, native));
      // A body from a file that shrank is sent chunked, and looks complete.
      return received <= 1 || received === size ? "done" : "failed";
    } catch (error) {
      this.#signal?.throwIfAborted();
      if (!(error instanceof GcraneError || native.signal.aborted)) throw error;
      const isEarly = error instanceof HttpError && (error.status < 500 || error.status === 501);
      if (isEarly) this.#client.earlyAnswers.add(url.host);
      return "failed";
    } finally {
      await native.close();
    }
  }

  async #patch(
    offset: number,
    end: number | undefined,
    body: NonNullable<OutgoingRequest["body"]>,
    { isPart = false, signal = this.#signal }: { isPart?: boolean; signal?: AbortSignal },
  ): Promise<Answer> {
    const range: Record<string, string> = isPart ? { "content-range": `${offset}-${end! - 1}` } : {};
    const answer = await this.#request("PATCH", this.#location!, {
      expect: [201, 202, 204],
      body,
      headers: { "content-type": "application/octet-stream", ...range },
      signal,
    });
    this.#location = nextLocation(answer, this.#client);
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
   * Checks by the registry's response that it has verified bytes that were not verified here. If the response gives no
   * digest, the content is read once more and verified here, and further blobs for this registry are verified streams.
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

  /** Reads and verifies the content, which fails if the fault is on this side. */
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
      demandLength: this.#isCareful || this.#way?.hasLength || this.#way?.isWhole,
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

  /** Takes back the reported bytes of a failed attempt. */
  #rewind(offset: number): void {
    this.#report(offset - this.#reported);
  }

  /**
   * Decides whether to try again. A whole upload is also repeated if the session was lost, and once if the registry
   * rejected intact bytes.
   */
  #verdict(error: unknown): RetryVerdict {
    if (this.#unverified && isDigestRefusal(error)) {
      this.#unverified = false;
      this.#interrupted = false;
      this.#location = undefined;
      return { afterMs: 0 };
    }
    return error instanceof HttpError && isLostSession(error) ? {} : retryVerdict(error, true);
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

/** Returns the number of bytes in a session. Registries report "0-0" both for an empty session and for one byte. */
function receivedBytes({ response }: Answer): number {
  const range = /^(?:bytes=)?0-(\d+)$/.exec(response.headers.get("range") ?? "");
  return range ? Number(range[1]) + 1 : 0;
}

/**
 * Returns the next location of an upload (distribution-spec, "Pushing blobs"), which is never at a more private place
 * than the registry, unless the client allows it.
 */
export function nextLocation({ response, url }: Answer, { options }: Client): URL {
  const location = response.headers.get("location");
  if (!location) {
    throw new ProtocolError(`${redactUrl(url)}: the registry's response has no Location header for the upload`);
  }
  const next = resolveLocation(location, url);
  // A registry behind a proxy may name the scheme of the other side; one port has one scheme.
  if (next.host === url.host && next.port !== "") next.protocol = url.protocol;
  checkRedirect(url, next, options);
  return next;
}

/** Returns whether the registry has lost the session, or holds another part of the blob than expected. */
function isLostSession({ status, diagnostics }: HttpError): boolean {
  return status === 416 ||
    ((status === 400 || status === 404) && diagnostics.some(({ code }) => /^BLOB_UPLOAD_/.test(code)));
}

/** Returns whether the registry rejects the blob because its digest does not match. */
function isDigestRefusal(error: unknown): boolean {
  return error instanceof HttpError && error.diagnostics.some(({ code }) => code === "DIGEST_INVALID");
}
