import { throttled } from "../src/graph/internal.ts";
import { type AnyManifest, type Outcome, type Root, transfer, type TransferOptions } from "../src/graph/mod.ts";
import type { Image, ImageIndex, ProgressListener } from "../src/image/mod.ts";
import { SharedWork } from "../src/io/mod.ts";
import type { Repository } from "../src/name/mod.ts";
import { type Hash, isIndex } from "../src/spec/mod.ts";
import type { CopyRun } from "./copy_run.ts";
import { type CopyTarget, ListedSink } from "./listed_sink.ts";

/** Options of a {@linkcode ManifestCopy}. */
export interface ManifestCopyOptions {
  /** The source repository. */
  readonly source: Repository;
  /** The target repository. */
  readonly target: CopyTarget;
  /** Returns the source's tags that a manifest should get. */
  readonly tagsOf: (digest: Hash) => readonly string[];
  /** All tags of the source. */
  readonly sourceTags: ReadonlySet<string>;
  /** Whether to look for referrers of each manifest. */
  readonly referrers: boolean;
  /** Called with the progress of each blob. */
  readonly onProgress?: ProgressListener;
}

/**
 * Copies manifests from one repository to another, each once, after all their content and before their tags. A manifest
 * is read only by digest and at most once, even if several others need it.
 */
export class ManifestCopy {
  readonly #run: CopyRun;
  readonly #options: ManifestCopyOptions;
  readonly #sink: ListedSink;
  /** Whether each visited manifest was missing, or lacked tags. */
  readonly #ensured = new Map<Hash, Promise<boolean>>();
  readonly #opened = new SharedWork<AnyManifest>({ keep: true });
  #referring: Hash[] = [];
  #subjects: Hash[] = [];

  constructor(run: CopyRun, options: ManifestCopyOptions) {
    this.#run = run;
    this.#options = options;
    const { noClobber = false, allowNondistributable } = run.options;
    const { target, sourceTags } = options;
    const onWritten = this.#tell.bind(this);
    const { deep = false, beforeMove } = run.terms;
    this.#sink = new ListedSink(run.client, {
      target,
      sourceTags,
      noClobber,
      allowNondistributable,
      onWritten,
      vouches: !deep,
      beforeMove: beforeMove && ((tag, digest) => beforeMove(run, target.repository, tag, digest)),
    });
  }

  /**
   * Ensures that the target has a manifest of the source, all its content, and its tags. Returns whether something was
   * missing.
   *
   * @param mediaType the media type of the manifest, if it is known
   */
  ensure(digest: Hash, mediaType: string): Promise<boolean> {
    return this.#ensureOnce(digest, async () => {
      const names = this.#options.tagsOf(digest);
      const { there, unnamed } = await this.#sink.hasManifest({ digest }, { names, signal: this.#run.signal });
      const isMissing = !there || unnamed.length > 0;
      const { fastCheck, deep } = this.#run.terms;
      if (!isMissing && fastCheck) return false;
      const isDescended = deep || (this.#options.referrers && mayBeIndex(mediaType));
      if (this.#run.options.dryRun) {
        if (isMissing) this.#tell(digest, unnamed, there);
        if (isDescended) await this.#ensureMembers(await this.#open(digest));
      } else if (isMissing || isDescended) {
        if (isMissing) await this.#beforeCopy(digest);
        await this.#transfer({ view: await this.#open(digest), names }, digest);
        return isMissing;
      }
      await this.#findReferrers(digest);
      return isMissing;
    });
  }

  /**
   * Opens a manifest of the source, to be copied or reduced later. Returns `undefined` if it is neither an image nor an
   * index.
   */
  async open(digest: Hash): Promise<Image | ImageIndex | undefined> {
    const view = await this.#open(digest);
    return view.kind === "manifest" ? undefined : view;
  }

  /**
   * Ensures that the target has a view derived from the source, and that its tags point at it. Returns whether
   * something was missing.
   */
  async ensureView(view: Image | ImageIndex, names: readonly string[]): Promise<boolean> {
    const { signal } = this.#run;
    const descriptor = await view.descriptor({ signal });
    const { there, unnamed } = await this.#sink.hasManifest(descriptor, { names, signal });
    const isMissing = !there || unnamed.length > 0;
    if (!isMissing) return false;
    if (this.#run.options.dryRun) this.#tell(descriptor.digest, unnamed, there);
    else {
      await this.#beforeCopy(descriptor.digest);
      await this.#transfer({ view, names }, descriptor.digest);
    }
    return true;
  }

  async #beforeCopy(digest: Hash): Promise<void> {
    await this.#run.terms.beforeCopy?.(this.#run, this.#options.source, digest);
  }

  /** Returns the referrers of the copied manifests that were found since the last call. */
  takeReferrers(): readonly Hash[] {
    const found = new Set(this.#referring);
    this.#referring = [];
    return [...found].filter((digest) => !this.#ensured.has(digest));
  }

  /** Returns the manifests that were copied since the last call. */
  takeSubjects(): readonly Hash[] {
    const found = this.#subjects;
    this.#subjects = [];
    return found;
  }

  #ensureOnce(digest: Hash, work: () => Promise<boolean>): Promise<boolean> {
    let ensured = this.#ensured.get(digest);
    if (!ensured) {
      ensured = work();
      this.#ensured.set(digest, ensured);
      // The manifest is not opened again, except with platforms, where an image may be copied beside its index.
      const forget = () => void ((this.#run.options.platforms ?? []).length === 0 && this.#opened.forget(digest));
      ensured.then(forget, forget);
    }
    return ensured;
  }

  /** Transfers a manifest; waits for content that another transfer is copying. */
  async #transfer(root: Root, rootDigest: Hash): Promise<void> {
    const { state, bandwidth, signal } = this.#run;
    const claims = new Map<Hash, PromiseWithResolvers<boolean>>();
    const before = async (view: AnyManifest): Promise<"skip" | void> => {
      const digest = await view.digest({ signal });
      if (digest === rootDigest) return;
      const other = this.#ensured.get(digest);
      if (other) {
        await other;
        return "skip";
      }
      const claim = Promise.withResolvers<boolean>();
      claim.promise.catch(() => {});
      claims.set(digest, claim);
      this.#ensured.set(digest, claim.promise);
    };
    const after: TransferOptions["after"] = async (node, outcome: Outcome) => {
      if (node.kind === "blob") {
        if (outcome === "done") this.#run.counts.bytes += node.descriptor?.size ?? 0;
        return;
      }
      const { digest } = node.descriptor;
      await this.#findReferrers(digest);
      claims.get(digest)?.resolve(outcome !== "skipped");
    };
    try {
      await transfer([root], this.#sink, {
        state,
        signal,
        before,
        after,
        namesOf: this.#options.tagsOf,
        descend: this.#options.referrers || this.#run.terms.deep ? "always" : "missing",
        content: bandwidth && ((content) => throttled(content, bandwidth)),
        onProgress: this.#options.onProgress,
      });
      // Content of another transfer is not reported again.
      for (const claim of claims.values()) claim.resolve(false);
    } catch (error) {
      for (const claim of claims.values()) claim.reject(error);
      throw error;
    }
  }

  /** The content of an existing manifest may have referrers that are missing. */
  async #ensureMembers(view: AnyManifest): Promise<void> {
    if (view.kind !== "index") return;
    for (const { descriptor, view: member } of await view.children({ signal: this.#run.signal })) {
      if (member.kind !== "layer") await this.ensure(descriptor.digest, descriptor.mediaType);
    }
  }

  async #findReferrers(digest: Hash): Promise<void> {
    if (!this.#options.referrers) return;
    const { reader, signal } = this.#run;
    this.#subjects.push(digest);
    const { api = true, wants } = this.#run.terms.referrers ?? {};
    if (!api) return;
    const reference = this.#options.source.digest(digest);
    // Without a filter the referrers tag is copied as the tag of the source that it is.
    const index = await reader.referrers(reference, { signal, fallback: wants !== undefined });
    const { manifests } = await index.manifest({ signal });
    this.#referring.push(...manifests.filter((found) => wants?.(found) ?? true).map(({ digest }) => digest));
  }

  #open(digest: Hash): Promise<AnyManifest> {
    const { reader, signal } = this.#run;
    const reference = this.#options.source.digest(digest);
    return this.#opened.run(digest, { signal }, async (signal) => (await reader.get(reference, { signal })).anyView());
  }

  #tell(digest: Hash, tags: readonly string[], there: boolean): void {
    const { counts } = this.#run;
    if (!there) counts.manifests++;
    counts.tags += tags.length;
    const { source, target: { repository } } = this.#options;
    this.#run.tell({ kind: "manifest", source: source.name, target: repository.name, digest, tags, there });
  }
}

/** Returns whether a media type is, or may be, that of an index. */
export function mayBeIndex(mediaType: string): boolean {
  return mediaType === "" || isIndex(mediaType);
}
