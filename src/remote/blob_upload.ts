import { HttpError } from "../errors.ts";
import { type AbortOptions, Semaphore } from "../io/mod.ts";
import { type Layer, ProgressReporter, spoolLayer } from "../image/mod.ts";
import type { Repository } from "../name/mod.ts";
import { type Hash, hashHexDigits, isDistributable } from "../spec/mod.ts";
import { discard } from "../transport/mod.ts";
import { BlobTransfer, nextLocation } from "./blob_transfer.ts";
import type { RemoteClient } from "./client.ts";
import { DEFAULT_JOBS } from "./options.ts";

/** Puts blobs into repositories, each digest once per repository, a bounded number at the same time. */
export class BlobUploader {
  readonly #client: RemoteClient;
  readonly #slots: Semaphore;
  readonly #uploads = new Map<string, Promise<void>>();

  /** Makes it; nothing is sent before something is uploaded. */
  constructor(client: RemoteClient) {
    this.#client = client;
    this.#slots = new Semaphore(client.options.jobs ?? DEFAULT_JOBS);
  }

  /**
   * Makes sure that a repository holds a blob: it is there, is mounted from where it came from, or is sent
   * (distribution-spec, "Pushing blobs"). A layer that is not distributable is passed over unless that is allowed.
   */
  async upload(repository: Repository, layer: Layer, options: AbortOptions = {}): Promise<void> {
    const { signal } = options;
    if (!this.#client.options.allowNondistributable && !isDistributable(await layer.mediaType())) return;
    if (layer.streaming) return await this.#slots.run(() => this.#send(repository, layer, signal), { signal });
    if (!layer.digestKnown()) return await this.#uploadSpooled(repository, layer, options);
    const key = `${repository}@${await layer.digest(options)}`;
    const under = this.#uploads.get(key);
    if (under) return await under;
    const upload = this.#slots.run(() => this.#ensure(repository, layer, signal), { signal });
    this.#uploads.set(key, upload);
    try {
      await upload;
    } catch (error) {
      this.#uploads.delete(key);
      throw error;
    }
  }

  /** Compresses once, into a file, so that the digest is known and what the registry has need not be sent. */
  async #uploadSpooled(repository: Repository, layer: Layer, options: AbortOptions): Promise<void> {
    const spooled = await this.#slots.run(() => spoolLayer(layer, options), options);
    try {
      await this.upload(repository, spooled.layer, options);
    } finally {
      await spooled.dispose();
    }
  }

  async #ensure(repository: Repository, layer: Layer, signal: AbortSignal | undefined): Promise<void> {
    const digest = await layer.digest({ signal });
    const reporter = await this.#reporter(layer);
    if (await this.#exists(repository, digest, signal)) return reporter.end("skipped");
    const from = mountSource(repository, layer);
    if (from && await this.#mount(repository, from, digest, signal)) return reporter.end("mounted");
    await this.#send(repository, layer, signal);
  }

  /** Begins an upload and gives it up, to see whether that is allowed. @throws {HttpError} when it is not. */
  async tryUpload(repository: Repository, options: AbortOptions = {}): Promise<void> {
    const answer = await this.#client.request(repository, {
      method: "POST",
      to: "/blobs/uploads/",
      access: "push",
      expect: [202],
      signal: options.signal,
    });
    await discard(answer.response);
    await this.#cancel(repository, nextLocation(answer), options.signal);
  }

  async #exists(repository: Repository, digest: Hash, signal: AbortSignal | undefined): Promise<boolean> {
    const { response } = await this.#client.request(repository, {
      method: "HEAD",
      to: `/blobs/${digest}`,
      access: "push",
      expect: [200, 404],
      signal,
    });
    await discard(response);
    return response.status === 200;
  }

  /** Asks for a mount. A registry that refuses, in whatever way, is sent the blob instead. */
  async #mount(
    repository: Repository,
    from: Repository,
    digest: Hash,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const query = new URLSearchParams({ mount: digest, from: from.repository });
    try {
      const { response, url } = await this.#client.request(repository, {
        method: "POST",
        to: `/blobs/uploads/?${query}`,
        access: "push",
        from,
        expect: [201, 202],
        signal,
      });
      await discard(response);
      if (response.status === 201) return true;
      await this.#cancel(repository, nextLocation({ response, url }), signal);
      return false;
    } catch (error) {
      if (error instanceof HttpError) return false;
      throw error;
    }
  }

  /** Ends an upload session that is not used after all; not every registry can. */
  async #cancel(repository: Repository, location: URL, signal: AbortSignal | undefined): Promise<void> {
    const expect = [200, 202, 204, 400, 401, 403, 404, 405, 501];
    const { response } = await this.#client.request(repository, {
      method: "DELETE",
      to: location,
      access: "push",
      expect,
      signal,
    });
    await discard(response);
  }

  async #send(repository: Repository, layer: Layer, signal: AbortSignal | undefined): Promise<void> {
    const reporter = await this.#reporter(layer);
    try {
      await new BlobTransfer(this.#client, repository, layer, reporter, signal).run();
      reporter.end("done");
    } catch (error) {
      reporter.end("failed");
      throw error;
    }
  }

  async #reporter(layer: Layer): Promise<ProgressReporter> {
    const known = layer.digestKnown();
    const digest = known ? await layer.digest() : undefined;
    return new ProgressReporter(this.#client.options.onProgress, {
      id: digest ?? `stream ${++this.#streams}`,
      label: digest ? hashHexDigits(digest).slice(0, 12) : "stream",
      kind: "write",
      total: known ? await layer.size() : undefined,
    });
  }

  #streams = 0;
}

/** Where a registry could mount a layer from: another repository of its own. */
function mountSource(repository: Repository, { origin }: Layer): Repository | undefined {
  const elsewhere = origin?.registry === repository.registry.name && origin.repository !== repository.repository;
  return elsewhere ? repository.registry.repository(origin.repository) : undefined;
}
