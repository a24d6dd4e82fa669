import type { Image, ImageIndex, Layer } from "../src/image/mod.ts";
import { mapConcurrent } from "../src/io/mod.ts";
import type { Repository } from "../src/name/mod.ts";
import { type ManifestBytes, type Pusher, referrersTag, type RemoteManifest } from "../src/remote/mod.ts";
import { type ByteStream, pullStream } from "../src/runtime/mod.ts";
import { type Hash, isDescriptor, isIndex, isSchema1, parseJsonObject } from "../src/spec/mod.ts";
import type { CopyRun } from "./copy_run.ts";

/** What is known of the repository that is copied to. */
export interface CopyTarget {
  /** The repository. */
  readonly repository: Repository;
  /** What its tags point at; `undefined` where nobody asked. */
  readonly tags: ReadonlyMap<string, Hash | undefined>;
  /** Manifests that it has. */
  readonly manifests: ReadonlySet<Hash>;
  /** Whether it has no others. */
  readonly complete: boolean;
}

/** What a manifest copy works with. */
export interface ManifestCopyOptions {
  /** The repository that is copied from. */
  readonly source: Repository;
  /** The one that is copied to. */
  readonly target: CopyTarget;
  /** What writes there. */
  readonly pusher: Pusher;
  /** The tags of the source that a manifest is to have. */
  readonly tagsOf: (digest: Hash) => readonly string[];
  /** All tags of the source. */
  readonly sourceTags: ReadonlySet<string>;
  /** Whether what refers to a manifest is looked for. */
  readonly referrers: boolean;
}

/** A manifest of the source with the views of it. */
type Opened = { readonly view: Image | ImageIndex } | { readonly schema1: RemoteManifest };

/**
 * Copies manifests from one repository to another, each once, with all below it first and its tags last. A manifest is
 * read by its digest alone and at most once, whoever else needs it.
 */
export class ManifestCopy {
  readonly #run: CopyRun;
  readonly #options: ManifestCopyOptions;
  readonly #settled = new Map<Hash, Promise<boolean>>();
  readonly #opened = new Map<Hash, Promise<Opened>>();
  #referring: Hash[] = [];
  #subjects: Hash[] = [];

  constructor(run: CopyRun, options: ManifestCopyOptions) {
    this.#run = run;
    this.#options = options;
  }

  /**
   * Sees to it that the target has a manifest of the source, all below it, and its tags; whether something was missing.
   *
   * @param mediaType what it is, as far as that is known
   */
  settle(digest: Hash, mediaType: string): Promise<boolean> {
    return this.#settleOnce(digest, mayBeIndex(mediaType), () => this.#fetch(digest));
  }

  /** Opens a manifest of the source, to be settled or reduced afterwards. */
  async open(digest: Hash): Promise<Image | ImageIndex | undefined> {
    const opened = await this.#open(digest, () => this.#fetch(digest));
    return "view" in opened ? opened.view : undefined;
  }

  /** Sees to it that the target has a view made of the source's, and that tags point at it; as above. */
  async settleView(view: Image | ImageIndex, tags: readonly string[]): Promise<boolean> {
    const digest = await view.digest({ signal: this.#run.signal });
    const wasMissing = await this.#settleOnce(digest, view.kind === "index", () => Promise.resolve({ view }));
    const missing = this.#missingTags(digest, tags);
    if (missing.length === 0) return wasMissing;
    if (!this.#run.options.dryRun) await this.#tag(await bytesOf({ view }), missing);
    this.#tell(digest, missing, true);
    return true;
  }

  /** What turned out to refer to the manifests that were settled, since this was asked last. */
  takeReferrers(): readonly Hash[] {
    const found = new Set(this.#referring);
    this.#referring = [];
    return [...found].filter((digest) => !this.#settled.has(digest));
  }

  /** The manifests that were settled, since this was asked last. */
  takeSubjects(): readonly Hash[] {
    const found = this.#subjects;
    this.#subjects = [];
    return found;
  }

  /** Those of some tags that the target lacks, or has on another manifest. */
  #missingTags(digest: Hash, tags: readonly string[]): readonly string[] {
    const { tags: there } = this.#options.target;
    return tags.filter((tag) => this.#run.options.noClobber ? !there.has(tag) : there.get(tag) !== digest);
  }

  #settleOnce(digest: Hash, isIndex: boolean, fetch: () => Promise<Opened>): Promise<boolean> {
    let settled = this.#settled.get(digest);
    if (!settled) {
      settled = this.#settleFirst(digest, isIndex, fetch);
      this.#settled.set(digest, settled);
    }
    return settled;
  }

  async #settleFirst(digest: Hash, isIndex: boolean, fetch: () => Promise<Opened>): Promise<boolean> {
    const { options } = this.#run;
    const { referrers, tagsOf } = this.#options;
    const isThere = await this.#isThere(digest);
    const missing = this.#missingTags(digest, tagsOf(digest));
    const isMissing = !isThere || missing.length > 0;
    if (isMissing && !options.dryRun) await this.#write(await this.#open(digest, fetch), { digest, isThere, missing });
    if (isMissing) this.#tell(digest, missing, isThere);
    if (referrers) {
      if (isIndex) await this.#settleMembers(await this.#open(digest, fetch));
      await this.#findReferrers(digest);
    }
    // Nobody opens it again, except for platforms, for which an image may be wanted beside its index.
    if ((options.platforms ?? []).length === 0) this.#opened.delete(digest);
    return isMissing;
  }

  async #write(
    opened: Opened,
    { digest, isThere, missing }: { digest: Hash; isThere: boolean; missing: readonly string[] },
  ): Promise<void> {
    const manifest = await bytesOf(opened);
    if (!isThere) {
      await this.#writeContent(opened);
      await this.#put(digest, manifest);
    }
    await this.#tag(manifest, missing);
  }

  /** All that a manifest points at. */
  async #writeContent(opened: Opened): Promise<void> {
    const { signal, reader, jobs } = this.#run;
    const pool = { concurrency: jobs, signal };
    if ("schema1" in opened) {
      const { source } = this.#options;
      await mapConcurrent(opened.schema1.schema1Layers(), pool, async (digest) => {
        await this.#upload(await reader.layer(source.digest(digest), { signal }));
      });
    } else if (opened.view.kind === "image") {
      const { view } = opened;
      const blobs = [...await view.layers({ signal }), await view.configLayer({ signal })];
      await mapConcurrent(blobs, { ...pool, concurrency: blobs.length }, (blob) => this.#upload(blob));
    } else {
      await this.#eachMember(opened.view, (layer) => this.#upload(layer));
    }
  }

  /** Settles the members of an index that are manifests, and does something with the others. */
  async #eachMember(index: ImageIndex, withBlob: (layer: Layer) => Promise<void>): Promise<void> {
    const { signal, jobs } = this.#run;
    await mapConcurrent(
      await index.children({ signal }),
      { concurrency: jobs, signal },
      async ({ descriptor, view }) => {
        if (view.kind === "layer") await withBlob(view);
        else await this.#settleOnce(descriptor.digest, view.kind === "index", () => Promise.resolve({ view }));
      },
    );
  }

  /** What happens once is not ended by what else needs it, so the signal is that of the whole run. */
  async #upload(layer: Layer): Promise<void> {
    const { signal, origins, bandwidth } = this.#run;
    const { target: { repository }, pusher } = this.#options;
    const digest = await layer.digest({ signal });
    const origin = layer.origin?.registry === repository.registry.name ? layer.origin : origins.of(digest);
    const compressed: Layer["compressed"] = bandwidth
      ? async (options) => throttled(await layer.compressed(options), (count) => bandwidth.pass(count, { signal }))
      : layer.compressed;
    await pusher.upload(repository, { ...layer, origin, compressed }, { signal });
    origins.note(digest, repository);
  }

  async #put(digest: Hash, manifest: ManifestBytes): Promise<void> {
    const { target: { repository }, pusher } = this.#options;
    // A copy that is killed in between finds the manifest there, and would not list it any more.
    const referrers = this.#isListedByTag(manifest) ? "never" : "before";
    await pusher.put(repository.digest(digest), manifest, { signal: this.#run.signal, referrers });
  }

  async #tag(manifest: ManifestBytes, tags: readonly string[]): Promise<void> {
    const { target: { repository }, pusher } = this.#options;
    const { signal } = this.#run;
    for (const tag of tags) await pusher.put(repository.tag(tag), manifest, { signal, referrers: "never" });
  }

  /** Whether a tag of the source, which is copied as it is, holds the list of what refers to a manifest's subject. */
  #isListedByTag({ bytes }: ManifestBytes): boolean {
    const { subject } = parseJsonObject(bytes, "manifest");
    return isDescriptor(subject) && this.#options.sourceTags.has(referrersTag(subject.digest));
  }

  /** What is below a manifest that is there may have referrers that are not. */
  async #settleMembers(opened: Opened): Promise<void> {
    if ("view" in opened && opened.view.kind === "index") await this.#eachMember(opened.view, async () => {});
  }

  async #findReferrers(digest: Hash): Promise<void> {
    const { reader, signal } = this.#run;
    const reference = this.#options.source.digest(digest);
    // The tag that stands in for the API is a tag of the source, and copied as such.
    const index = await reader.referrers(reference, { signal, fallback: false });
    const { manifests } = await index.manifest({ signal });
    this.#referring.push(...manifests.map((descriptor) => descriptor.digest));
    this.#subjects.push(digest);
  }

  async #isThere(digest: Hash): Promise<boolean> {
    const { target: { repository, manifests, complete }, pusher } = this.#options;
    if (manifests.has(digest)) return true;
    return !complete && await pusher.find(repository.digest(digest), { signal: this.#run.signal }) !== undefined;
  }

  #open(digest: Hash, fetch: () => Promise<Opened>): Promise<Opened> {
    let opened = this.#opened.get(digest);
    if (!opened) {
      opened = fetch();
      this.#opened.set(digest, opened);
    }
    return opened;
  }

  async #fetch(digest: Hash): Promise<Opened> {
    const { reader, signal } = this.#run;
    const found = await reader.get(this.#options.source.digest(digest), { signal });
    return isSchema1(found.descriptor.mediaType) ? { schema1: found } : { view: found.view() };
  }

  #tell(digest: Hash, tags: readonly string[], there: boolean): void {
    const { counts } = this.#run;
    if (!there) counts.manifests++;
    counts.tags += tags.length;
    const { source, target: { repository } } = this.#options;
    this.#run.tell({ kind: "manifest", source: source.name, target: repository.name, digest, tags, there });
  }
}

/** Whether a media type is that of an index, as far as it is known. */
export function mayBeIndex(mediaType: string): boolean {
  return mediaType === "" || isIndex(mediaType);
}

async function bytesOf(opened: Opened): Promise<ManifestBytes> {
  if ("schema1" in opened) return { bytes: opened.schema1.bytes, mediaType: opened.schema1.descriptor.mediaType };
  return { bytes: await opened.view.rawManifest(), mediaType: await opened.view.mediaType() };
}

/** The same stream, each chunk of which waits until it may pass. */
function throttled(source: ByteStream, pass: (count: number) => Promise<void>): ByteStream {
  const reader = source.getReader();
  return pullStream({
    async read() {
      const { value } = await reader.read();
      if (value) await pass(value.length);
      return value;
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
