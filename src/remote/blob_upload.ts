import { HttpError, NetworkError } from "../errors.ts";
import { type AbortOptions, Semaphore } from "../io/mod.ts";
import { type Layer, ProgressReporter, spoolLayer } from "../image/mod.ts";
import type { Repository } from "../name/mod.ts";
import { hashHexDigits, isDistributable } from "../spec/mod.ts";
import { discard } from "../transport/mod.ts";
import { hasBlob } from "./blob_fetch.ts";
import { BlobTransfer, nextLocation } from "./blob_transfer.ts";
import type { RemoteClient } from "./client.ts";
import { OnceByKey } from "./once.ts";
import { DEFAULT_JOBS } from "./options.ts";

/** Puts blobs into repositories, each digest once per repository, a bounded number at the same time. */
export class BlobUploader {
  readonly #client: RemoteClient;
  readonly #slots: Semaphore;
  readonly #uploads = new OnceByKey();
  /** Views of one layer have in common what opens it, whatever else the images that hold it say of it. */
  readonly #openers = new Numbers();
  #streams = 0;

  /** Makes it; nothing is sent before something is uploaded. Slots that are given are shared with others. */
  constructor(client: RemoteClient, slots: Semaphore = new Semaphore(client.options.jobs ?? DEFAULT_JOBS)) {
    this.#client = client;
    this.#slots = slots;
  }

  /** One for another client, which shares the bound on what moves at the same time and remembers nothing. */
  fork(client: RemoteClient): BlobUploader {
    return new BlobUploader(client, this.#slots);
  }

  /**
   * Makes sure that a repository holds a blob: it is there, is mounted from where it came from, or is sent
   * (distribution-spec, "Pushing blobs"). A layer that is not distributable is passed over unless that is allowed.
   */
  async upload(repository: Repository, layer: Layer, options: AbortOptions = {}): Promise<void> {
    if (!this.#client.options.allowNondistributable && !isDistributable(await layer.mediaType(options))) return;
    const inSlot = (work: () => Promise<void>) => this.#slots.run(work, options);
    if (layer.digestKnown()) {
      // Who waits for another needs no slot, and who is waited for must have one.
      if (await this.#uploads.joined(await keyOf(repository, layer), options)) return;
      (await this.#reporter(layer)).announce();
      return await inSlot(() => this.#once(repository, layer, options));
    }
    const key = `${repository}#${this.#openers.of(layer.compressed)}`;
    if (await this.#uploads.joined(key, options)) return;
    const upload = layer.streaming ? this.#streamed : this.#spooled;
    await inSlot(() => this.#uploads.run(key, options, () => upload.call(this, repository, layer, options)));
  }

  /** Compressed, hashed and sent in one pass: it can be read but once. */
  async #streamed(repository: Repository, layer: Layer, options: AbortOptions): Promise<void> {
    await this.#reported(layer, (reporter) => this.#send(repository, layer, reporter, options));
  }

  /** Compressed once, into a file, so that the digest is known and what the registry has need not be sent. */
  async #spooled(repository: Repository, layer: Layer, options: AbortOptions): Promise<void> {
    const spooled = await spoolLayer(layer, options);
    try {
      await this.#once(repository, spooled.layer, options);
    } finally {
      await spooled.dispose();
    }
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
    await this.#giveUp(repository, nextLocation(answer), options);
  }

  async #once(repository: Repository, layer: Layer, options: AbortOptions): Promise<void> {
    const key = await keyOf(repository, layer);
    await this.#uploads.run(key, options, () => this.#ensure(repository, layer, options));
  }

  async #ensure(repository: Repository, layer: Layer, options: AbortOptions): Promise<void> {
    const digest = await layer.digest(options);
    await this.#reported(layer, async (reporter) => {
      if (await hasBlob(this.#client, repository, digest, options)) return "skipped";
      const from = mountSource(repository, layer);
      const session = from ? await this.#mount(repository, { from, digest, ...options }) : undefined;
      if (session === "mounted") return session;
      return await this.#send(repository, layer, reporter, { ...options, session });
    });
  }

  /**
   * Asks for a mount. A registry that refuses, in whatever way, is sent the blob instead, in the session that it may
   * have begun for that.
   */
  async #mount(
    repository: Repository,
    { from, digest, signal }: { from: Repository; digest: string; signal?: AbortSignal },
  ): Promise<"mounted" | URL | undefined> {
    const query = new URLSearchParams({ mount: digest, from: from.repository });
    try {
      const answer = await this.#client.request(repository, {
        method: "POST",
        to: `/blobs/uploads/?${query}`,
        access: "push",
        from,
        expect: [201, 202],
        signal,
      });
      await discard(answer.response);
      return answer.response.status === 201 ? "mounted" : nextLocation(answer);
    } catch (error) {
      if (error instanceof HttpError) return undefined;
      throw error;
    }
  }

  /** Ends an upload session that is not used after all. Not every registry can, and none has to. */
  async #giveUp(repository: Repository, location: URL, { signal }: AbortOptions): Promise<void> {
    try {
      const { response } = await this.#client.request(repository, {
        method: "DELETE",
        to: location,
        access: "push",
        expect: [200, 202, 204],
        repeatable: false,
        signal,
      });
      await discard(response);
    } catch (error) {
      if (!(error instanceof HttpError || error instanceof NetworkError)) throw error;
    }
  }

  async #send(
    repository: Repository,
    layer: Layer,
    reporter: ProgressReporter,
    options: AbortOptions & { session?: URL },
  ): Promise<"done"> {
    await new BlobTransfer(this.#client, repository, layer, { ...options, reporter }).run();
    return "done";
  }

  /** Tells the listener of a layer's way, and how it ended. */
  async #reported(
    layer: Layer,
    work: (reporter: ProgressReporter) => Promise<"done" | "skipped" | "mounted">,
  ): Promise<void> {
    const reporter = await this.#reporter(layer);
    try {
      reporter.end(await work(reporter));
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
}

/** Gives objects numbers, each its own. */
class Numbers {
  readonly #numbers = new WeakMap<object, number>();
  #next = 0;

  of(object: object): number {
    const number = this.#numbers.get(object) ?? this.#next++;
    this.#numbers.set(object, number);
    return number;
  }
}

/** Where a registry could mount a layer from: another repository of its own. */
function mountSource(repository: Repository, { origin }: Layer): Repository | undefined {
  const elsewhere = origin?.registry === repository.registry.name && origin.repository !== repository.repository;
  return elsewhere ? repository.registry.repository(origin.repository) : undefined;
}

async function keyOf(repository: Repository, layer: Layer): Promise<string> {
  return `${repository}@${await layer.digest()}`;
}
