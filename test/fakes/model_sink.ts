import type { BlobNode, ContentSink, FoundManifest, ManifestNode, PutOptions } from "../../src/graph/mod.ts";
import { successors } from "../../src/graph/mod.ts";
import type { BlobOrigin, Content } from "../../src/image/mod.ts";
import { type AbortOptions, digestBytes, readAll } from "../../src/io/mod.ts";
import type { Descriptor, Hash } from "../../src/spec/mod.ts";

/** What a sink was asked for. */
export interface Call {
  readonly kind: "hasBlob" | "hasManifest" | "putBlob" | "putManifest";
  readonly sink: string;
  readonly what: string;
}

/** What the sinks of one test share: the calls in order, and how each call goes wrong. */
export class World {
  readonly calls: Call[] = [];
  /** Is called with the number of each call before it is done; may throw, wait or abort. */
  onCall: (index: number, call: Call) => void | Promise<void> = () => {};
  /** How many puts are under way. */
  active = 0;
  readonly pools = new Map<string, Map<string, ModelSink>>();

  async called(call: Call): Promise<void> {
    this.calls.push(call);
    await this.onCall(this.calls.length - 1, call);
  }

  count(kind: Call["kind"]): number {
    return this.calls.filter((call) => call.kind === kind).length;
  }
}

/** Options of {@linkcode ModelSink}. */
export interface ModelSinkOptions {
  /** The registry's host; sinks of one mount from one another. */
  pool?: string;
  /** Which blobs without a digest it takes. */
  takes?: "any" | "once" | "none";
  /** Whether its manifests vouch for what they name. */
  vouches?: boolean;
  /** Whether mounts are refused. */
  refuses?: boolean;
}

/** A sink in memory that refuses a manifest before all that it names, and a blob or manifest that is there. */
export class ModelSink implements ContentSink {
  readonly id: string;
  readonly vouches: boolean;
  readonly origin?: BlobOrigin;
  readonly blobs = new Map<Hash, Uint8Array>();
  readonly manifests = new Map<Hash, { readonly bytes: Uint8Array; readonly mediaType: string }>();
  readonly names = new Map<string, Hash>();
  readonly #world: World;
  readonly #options: ModelSinkOptions;

  constructor(world: World, id: string, options: ModelSinkOptions = {}) {
    this.#world = world;
    this.#options = options;
    const { pool, vouches = true } = options;
    this.vouches = vouches;
    this.id = pool === undefined ? id : `${pool}/${id}`;
    if (pool === undefined) return;
    this.origin = { registry: pool, repository: id };
    const sinks = world.pools.get(pool) ?? new Map<string, ModelSink>();
    world.pools.set(pool, sinks.set(id, this));
  }

  takesUnidentified({ content }: BlobNode): boolean {
    const { takes = "none" } = this.#options;
    return takes === "any" || (takes === "once" && content.once);
  }

  async hasBlob({ digest }: Descriptor, _options: AbortOptions): Promise<boolean> {
    await this.#world.called({ kind: "hasBlob", sink: this.id, what: digest });
    return this.blobs.has(digest);
  }

  async hasManifest(
    { digest }: Descriptor,
    { names }: AbortOptions & { names: readonly string[] },
  ): Promise<FoundManifest> {
    await this.#world.called({ kind: "hasManifest", sink: this.id, what: digest });
    const unnamed = names.filter((name) => this.names.get(name) !== digest);
    return { there: this.manifests.has(digest), unnamed };
  }

  async putBlob(blob: BlobNode, { signal, onBytes }: PutOptions): Promise<"done" | "mounted"> {
    return await this.#put({ kind: "putBlob", sink: this.id, what: blob.descriptor?.digest ?? "?" }, async () => {
      const { descriptor, origins } = blob;
      if (descriptor && this.blobs.has(descriptor.digest)) throw new Error(`${descriptor.digest} is put twice`);
      const mounted = descriptor && !this.#options.refuses && this.#mount(descriptor.digest, origins);
      if (mounted) {
        this.blobs.set(descriptor.digest, mounted);
        return "mounted";
      }
      const bytes = await readAll(await blob.content.open({ signal }), { limit: 2 ** 30, what: "a blob", signal });
      onBytes?.(bytes.length);
      this.blobs.set(descriptor?.digest ?? await digestBytes(bytes), bytes);
      return "done";
    });
  }

  async putManifest(node: ManifestNode, { signal, there }: PutOptions & { there: boolean }): Promise<void> {
    const { view, descriptor: { digest }, names } = node;
    await this.#put({ kind: "putManifest", sink: this.id, what: digest }, async () => {
      if (there !== this.manifests.has(digest)) {
        throw new Error(`${digest} is ${there ? "not there" : "there already"}`);
      }
      const bytes = await view.rawManifest({ signal });
      const mediaType = await view.mediaType({ signal });
      this.#checkNamed(bytes, mediaType);
      this.manifests.set(digest, { bytes, mediaType });
      for (const name of names) this.names.set(name, digest);
    });
  }

  /** The digests of everything that the sink holds. */
  digests(): Set<Hash> {
    return new Set([...this.blobs.keys(), ...this.manifests.keys()]);
  }

  #checkNamed(bytes: Uint8Array<ArrayBuffer>, mediaType: string): void {
    const { config, blobs, members } = successors(bytes, mediaType);
    for (const { digest } of [...config ? [config] : [], ...blobs]) {
      if (!this.blobs.has(digest)) throw new Error(`the blob ${digest} is not there`);
    }
    for (const { digest } of members) {
      if (!this.manifests.has(digest) && !this.blobs.has(digest)) throw new Error(`the member ${digest} is not there`);
    }
  }

  #mount(digest: Hash, origins: readonly BlobOrigin[]): Uint8Array | undefined {
    for (const { registry, repository } of origins) {
      const bytes = this.#world.pools.get(registry)?.get(repository)?.blobs.get(digest);
      if (registry === this.origin?.registry && bytes) return bytes;
    }
    return undefined;
  }

  async #put<T>(call: Call, work: () => Promise<T>): Promise<T> {
    this.#world.active++;
    try {
      await this.#world.called(call);
      return await work();
    } finally {
      this.#world.active--;
    }
  }
}

/** Content that counts how often it is opened. */
export function counted(content: Content, counts: { opened: number }): Content {
  return {
    get identity() {
      return content.identity;
    },
    once: content.once,
    origins: content.origins,
    open(options) {
      counts.opened++;
      return content.open(options);
    },
  };
}
