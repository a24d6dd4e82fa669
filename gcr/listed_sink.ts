import type { BlobNode, ContentSink, FoundManifest, ManifestNode, PutOptions } from "../src/graph/mod.ts";
import type { BlobOrigin } from "../src/image/mod.ts";
import type { AbortOptions } from "../src/io/mod.ts";
import type { Repository } from "../src/name/mod.ts";
import { type Client, type ManifestBytes, referrersTag, RegistrySink } from "../src/remote/mod.ts";
import { isDescriptor, manifestFields } from "../src/spec/internal.ts";
import type { Descriptor, Hash } from "../src/spec/mod.ts";

/** The known state of the target repository. */
export interface CopyTarget {
  /** The repository. */
  readonly repository: Repository;
  /** The digests of its tags; `undefined` if one was not requested. */
  readonly tags: ReadonlyMap<string, Hash | undefined>;
  /** Its known manifests. */
  readonly manifests: ReadonlySet<Hash>;
  /** Whether it has no other manifests. */
  readonly complete: boolean;
}

/** Options of {@linkcode ListedSink}. */
export interface ListedSinkOptions {
  /** The repository and its known state. */
  readonly target: CopyTarget;
  /** All tags of the source. */
  readonly sourceTags: ReadonlySet<string>;
  /** Whether existing tags of the target are kept. */
  readonly noClobber: boolean;
  /** Whether to push layers that are marked as nondistributable. */
  readonly allowNondistributable?: boolean;
  /** Called if a manifest or its tags were missing and are there now; `there` is whether only tags were missing. */
  readonly onWritten: (digest: Hash, tags: readonly string[], there: boolean) => void;
  /**
   * Whether a manifest of the target proves that its content is there.
   * @default true
   */
  readonly vouches?: boolean;
  /**
   * Awaited before a tag is set to another manifest than this one.
   * @default nothing is awaited
   */
  readonly beforeMove?: (tag: string, digest: Hash) => Promise<void>;
}

/**
 * A repository as a sink that knows its content from its listing. A manifest is written by digest first and tagged
 * afterwards.
 */
export class ListedSink implements ContentSink {
  readonly id: string;
  readonly vouches: boolean;
  readonly origin: BlobOrigin;
  readonly #byDigest: RegistrySink;
  readonly #byTag: RegistrySink;
  readonly #options: ListedSinkOptions;
  /** The content that was written since the listing. */
  readonly #written = new Set<Hash>();

  constructor(client: Client, options: ListedSinkOptions) {
    const { target: { repository }, allowNondistributable } = options;
    this.#options = options;
    this.vouches = options.vouches ?? true;
    this.#byDigest = new RegistrySink(client, repository, {
      allowNondistributable,
      // After an interruption in between, the next copy would find the manifest and not add it to the list.
      referrers: (manifest) => this.#isListedByTag(manifest) ? "never" : "before",
    });
    this.#byTag = new RegistrySink(client, repository, { referrers: () => "never" });
    this.id = this.#byDigest.id;
    this.origin = this.#byDigest.origin;
  }

  takesUnidentified(blob: BlobNode): boolean {
    return this.#byDigest.takesUnidentified(blob);
  }

  hasBlob(descriptor: Descriptor, options: AbortOptions): Promise<boolean> {
    return this.#byDigest.hasBlob(descriptor, options);
  }

  async hasManifest(
    descriptor: Pick<Descriptor, "digest">,
    { names, signal }: AbortOptions & { readonly names: readonly string[] },
  ): Promise<FoundManifest> {
    const { digest } = descriptor;
    const { target: { manifests, tags, complete }, noClobber } = this.#options;
    const unnamed = names.filter((tag) => noClobber ? !tags.has(tag) : tags.get(tag) !== digest);
    if (manifests.has(digest) || this.#written.has(digest)) return { there: true, unnamed };
    const { there } = complete ? { there: false } : await this.#byDigest.hasManifest(descriptor, { names: [], signal });
    return { there, unnamed };
  }

  putBlob(blob: BlobNode, options: PutOptions): Promise<"done" | "mounted"> {
    return this.#byDigest.putBlob(blob, options);
  }

  async putManifest(node: ManifestNode, options: PutOptions & { readonly there: boolean }): Promise<void> {
    const { descriptor: { digest }, names } = node;
    if (!options.there) await this.#byDigest.putManifest({ ...node, names: [] }, options);
    this.#written.add(digest);
    for (const name of names) {
      const before = this.#options.target.tags.get(name);
      if (before !== undefined && before !== digest) await this.#options.beforeMove?.(name, before);
    }
    if (names.length > 0) await this.#byTag.putManifest(node, options);
    this.#options.onWritten(digest, names, options.there);
  }

  /**
   * Returns whether a tag of the source, which is copied unchanged, holds the referrers list of a manifest's subject.
   */
  #isListedByTag({ bytes }: ManifestBytes): boolean {
    const { subject } = manifestFields(bytes, "manifest");
    return isDescriptor(subject) && this.#options.sourceTags.has(referrersTag(subject.digest));
  }
}
