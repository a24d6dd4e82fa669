import type { BlobNode, ContentSink, FoundManifest, ManifestNode, PutOptions } from "../src/graph/mod.ts";
import type { BlobOrigin } from "../src/image/mod.ts";
import type { AbortOptions } from "../src/io/mod.ts";
import type { Repository } from "../src/name/mod.ts";
import { type Client, type ManifestBytes, referrersTag, RegistrySink } from "../src/remote/mod.ts";
import { type Descriptor, type Hash, isDescriptor, parseJsonObject } from "../src/spec/mod.ts";

/** What is known of the repository that is copied to. */
export interface CopyTarget {
  /** The repository. */
  readonly repository: Repository;
  /** What its tags point at; `undefined` where that was not asked. */
  readonly tags: ReadonlyMap<string, Hash | undefined>;
  /** Manifests that it has. */
  readonly manifests: ReadonlySet<Hash>;
  /** Whether it has no others. */
  readonly complete: boolean;
}

/** Options of {@linkcode ListedSink}. */
export interface ListedSinkOptions {
  /** The repository and what is known of it. */
  readonly target: CopyTarget;
  /** All tags of the source. */
  readonly sourceTags: ReadonlySet<string>;
  /** Whether tags that the target has stay where they are. */
  readonly noClobber: boolean;
  /** Whether layers that are marked as not distributable are pushed too. */
  readonly allowNondistributable?: boolean;
  /** Is called when a manifest or tags of it are there that were not; `there`: the manifest was. */
  readonly onWritten: (digest: Hash, tags: readonly string[], there: boolean) => void;
}

/**
 * A repository as a sink that knows from its listing what it holds. A manifest goes in by its digest first and gets its
 * tags afterwards.
 */
export class ListedSink implements ContentSink {
  readonly id: string;
  readonly vouches = true;
  readonly origin: BlobOrigin;
  readonly #byDigest: RegistrySink;
  readonly #byTag: RegistrySink;
  readonly #options: ListedSinkOptions;
  /** What was written since it was listed. */
  readonly #written = new Set<Hash>();

  constructor(client: Client, options: ListedSinkOptions) {
    const { target: { repository }, allowNondistributable } = options;
    this.#options = options;
    this.#byDigest = new RegistrySink(client, repository, {
      allowNondistributable,
      // A copy that is killed in between finds the manifest there, and would not list it any more.
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
    if (names.length > 0) await this.#byTag.putManifest(node, options);
    this.#options.onWritten(digest, names, options.there);
  }

  /**
   * Returns whether a tag of the source, which is copied as it is, holds the list of what refers to a manifest's
   * subject.
   */
  #isListedByTag({ bytes }: ManifestBytes): boolean {
    const { subject } = parseJsonObject(bytes, "manifest");
    return isDescriptor(subject) && this.#options.sourceTags.has(referrersTag(subject.digest));
  }
}
