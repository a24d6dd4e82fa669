import { ManifestError } from "../../errors.ts";
import { digestBytes, SharedWork } from "../../io/mod.ts";
import { jsonBytes } from "../../spec/internal.ts";
import { type Hash, hashAlgorithm, isHash } from "../../spec/mod.ts";
import type { RegistryContext } from "../http/context.ts";
import type { CacheOutcome } from "../http/exchange.ts";
import { readPushedManifest } from "../content/pushed_manifest.ts";
import { isTag } from "../content/names.ts";
import { isAbsent, type Upstream } from "./upstream.ts";

/** How long to wait for the upstream if the cache could answer without it, in milliseconds. */
const PATIENCE_MS = 10_000;

/** The manifests of a pull-through cache, with the times when their tags were last compared with the upstream. */
export class CachedManifests {
  readonly #context: RegistryContext;
  readonly #upstream: Upstream;
  readonly #underWay = new SharedWork<CacheOutcome>();

  /** Creates the cache over a registry's store. */
  constructor(context: RegistryContext, upstream: Upstream) {
    this.#context = context;
    this.#upstream = upstream;
  }

  /** Makes the store have a manifest as the upstream has it. Simultaneous calls share the work. */
  async bring(name: string, reference: string): Promise<CacheOutcome> {
    if (!isHash(reference) && !isTag(reference)) return "hit"; // no registry can have it
    return await this.#underWay.run(
      `${name} ${reference}`,
      {},
      () => isHash(reference) ? this.#bringDigest(name, reference) : this.#bringTag(name, reference),
    );
  }

  async #bringDigest(name: string, digest: Hash): Promise<CacheOutcome> {
    if (await this.#context.repositories.manifest(name, digest)) return "hit";
    await this.#fetch(name, digest, []);
    return "miss";
  }

  async #bringTag(name: string, tag: string): Promise<CacheOutcome> {
    const { repositories, store, clock } = this.#context;
    const kept = await repositories.tag(name, tag);
    const isKept = kept !== undefined && await repositories.manifest(name, kept) !== undefined;
    if (isKept) {
      const checked = await this.#checked(name, tag);
      const age = clock() - checked;
      if (age >= 0 && age < this.#upstream.ttlMs) return "hit";
      if (this.#upstream.rests) return "stale";
    }
    try {
      const reference = this.#upstream.repository(name).tag(tag);
      const signal = isKept ? AbortSignal.timeout(PATIENCE_MS) : undefined;
      const { digest } = await this.#upstream.puller.head(reference, { signal });
      const isThere = await repositories.manifest(name, digest) !== undefined;
      if (isThere && digest !== kept) await repositories.pointTag(name, tag, digest);
      if (!isThere) await this.#fetch(name, digest, [tag]);
      await store.records.put(checkKey(name, tag), jsonBytes(clock()), { durable: false });
      return isThere ? "hit" : "miss";
    } catch (error) {
      if (isKept && this.#upstream.isDown(error)) return "stale";
      if (isKept && isAbsent(error)) await repositories.deleteTag(name, tag);
      throw error;
    }
  }

  async #fetch(name: string, digest: Hash, tags: readonly string[]): Promise<void> {
    const { repositories, clock } = this.#context;
    const reference = this.#upstream.repository(name).digest(digest);
    const { bytes, descriptor } = await this.#upstream.puller.get(reference);
    if (await digestBytes(bytes, hashAlgorithm(digest)) !== digest) {
      throw new ManifestError(`${reference} has a type that the cache can't keep: ${descriptor.mediaType}`);
    }
    const { mediaType, subject, imageSize } = readPushedManifest(bytes, descriptor.mediaType);
    const record = { digest, mediaType, uploaded: clock(), created: 0, imageSize, subject, bytes };
    await repositories.putManifest(name, record, { tags, claimed: clock() });
  }

  /** Returns when a tag was last compared with the upstream, in milliseconds since 1970; 0 for never. */
  async #checked(name: string, tag: string): Promise<number> {
    const value = await this.#context.store.records.get(checkKey(name, tag));
    return value ? Number(new TextDecoder().decode(value)) || 0 : 0;
  }
}

function checkKey(name: string, tag: string): string {
  return `proxy/${name}/_checked/${tag}`;
}
