import { referrersTag } from "../src/remote/mod.ts";
import { type Hash, isHash } from "../src/spec/mod.ts";

/** A blob that a manifest names: its config or a layer. */
export interface GcBlob {
  /** Its digest. */
  readonly digest: Hash;
  /** Its bytes. */
  readonly size: number;
}

/** A manifest as garbage collection sees it. */
export interface GcManifest {
  /** Its digest. */
  readonly digest: Hash;
  /** The tags that point at it. */
  readonly tags: readonly string[];
  /** When it was uploaded, in milliseconds since the epoch; missing where that is not known. */
  readonly uploaded?: number;
  /** The members of an index. */
  readonly members: readonly Hash[];
  /** The manifest that it refers to. */
  readonly subject?: Hash;
  /** The digests that it mentions besides, in annotations for example. */
  readonly mentions?: readonly Hash[];
  /** The config of an image, by which some call the image itself. */
  readonly config?: Hash;
  /** The bytes of the manifest itself. */
  readonly size: number;
  /** The blobs that it names. */
  readonly blobs: readonly GcBlob[];
}

/** All that is known of a repository's manifests and of what leads from one to another. */
export interface GcGraph {
  /** The path of the repository in its registry. */
  readonly repository: string;
  /** The full name of the repository. */
  readonly name: string;
  /** Its manifests. */
  readonly manifests: ReadonlyMap<Hash, GcManifest>;
  /** What a registry says refers to a manifest, besides what the manifests say themselves. */
  readonly referrers: ReadonlyMap<Hash, readonly Hash[]>;
}

/** A tag like `sha256-<hex>`, `sha256-<hex>.sig`, `.att` or `.sbom`. */
const ATTACHED = /^(?:sha256-[0-9a-f]{64}(?:\.(?:sig|att|sbom))?|sha512-[0-9a-f]{121})$/;

/**
 * Returns whether a tag stands for what belongs to the manifest of a digest: the list of its referrers
 * (distribution-spec, "Referrers Tag Schema"), or its signatures, attestations or SBOM as cosign stores them.
 */
export function isAttachedTag(tag: string): boolean {
  return ATTACHED.test(tag);
}

/** What leads from manifest to manifest within a repository. */
export class GcLinks {
  readonly #graph: GcGraph;
  readonly #referrers = new Map<Hash, Hash[]>();
  /** The digests of manifests by the tag of their referrers. */
  readonly #owners = new Map<string, Hash>();
  /** What is tagged as belonging to a manifest. */
  readonly #attached = new Map<Hash, Hash[]>();

  /** Reads a graph. */
  constructor(graph: GcGraph) {
    this.#graph = graph;
    const { manifests } = graph;
    for (const digest of manifests.keys()) this.#owners.set(referrersTag(digest), digest);
    for (const { digest, subject, tags } of manifests.values()) {
      if (subject) push(this.#referrers, subject, digest);
      for (const tag of tags) {
        const owner = this.owner(tag);
        if (owner) push(this.#attached, owner, digest);
      }
    }
    for (const [subject, referrers] of graph.referrers) {
      for (const digest of referrers) push(this.#referrers, subject, digest);
    }
  }

  /** Returns the manifest of the repository that a tag belongs to; `undefined` for a tag that is one of its own. */
  owner(tag: string): Hash | undefined {
    return isAttachedTag(tag) ? this.#owners.get(tag.replace(/\..*$/, "")) : undefined;
  }

  /** What refers to a manifest: by its subject, or by a tag that names the manifest's digest. */
  referring(digest: Hash): readonly Hash[] {
    return [...this.#referrers.get(digest) ?? [], ...this.#attached.get(digest) ?? []];
  }

  /** What refers to a manifest, what refers to that, and so on. */
  allReferring(digest: Hash): ReadonlySet<Hash> {
    const found = new Set(this.referring(digest));
    for (const other of found) for (const next of this.referring(other)) found.add(next);
    return found;
  }

  /**
   * Returns all that is kept with some manifests, each with the one that keeps it, the roots with themselves: what they
   * need, and what refers to them as far as they stay whole.
   */
  reach(roots: Iterable<Hash>, isWhole: (digest: Hash) => boolean = () => true): Map<Hash, Hash> {
    const { manifests } = this.#graph;
    const reached = new Map<Hash, Hash>();
    const open = [...roots].map((digest): [Hash, Hash] => [digest, digest]);
    for (let next = open.pop(); next; next = open.pop()) {
      const [digest, keeper] = next;
      if (!manifests.has(digest) || reached.has(digest)) continue;
      reached.set(digest, keeper);
      const kept = isWhole(digest) ? [...this.needs(digest), ...this.referring(digest)] : this.needs(digest);
      for (const other of kept) open.push([other, digest]);
    }
    return reached;
  }

  /**
   * Some manifests in waves that may be deleted one after the other, so that at no time a manifest is left whose member
   * or subject is gone: an index before its members, what refers to a manifest before that manifest.
   */
  deletionWaves(digests: Iterable<Hash>): Hash[][] {
    const waiting = new Map<Hash, number>([...digests].sort().map((digest) => [digest, 0]));
    for (const digest of waiting.keys()) {
      for (const later of this.leansOn(digest)) if (waiting.has(later)) waiting.set(later, waiting.get(later)! + 1);
    }
    const waves: Hash[][] = [];
    for (let wave = [...waiting.keys()].filter((digest) => waiting.get(digest) === 0); wave.length > 0;) {
      waves.push(wave);
      for (const digest of wave) waiting.delete(digest);
      const next = new Set<Hash>();
      for (const later of wave.flatMap((digest) => this.leansOn(digest))) {
        const left = (waiting.get(later) ?? NaN) - 1;
        if (waiting.has(later)) waiting.set(later, left);
        if (left === 0) next.add(later);
      }
      wave = [...next].sort();
    }
    // Digests allow no circles, but tags do: two signatures can be tagged as each other's.
    return waiting.size > 0 ? [...waves, [...waiting.keys()]] : waves;
  }

  /**
   * Returns the manifests that must stay for as long as one does: all that it mentions, be it as a member or in
   * passing.
   */
  needs(digest: Hash): Hash[] {
    const { manifests } = this.#graph;
    const { members = [], subject, blobs = [], mentions = [] } = manifests.get(digest) ?? {};
    const named = [...members, ...subject ? [subject] : [], ...blobs.map(({ digest }) => digest), ...mentions];
    return named.filter((other) => manifests.has(other));
  }

  /** Returns the manifests that some tags of a manifest belong to. */
  owners(tags: readonly string[]): Hash[] {
    return tags.map((tag) => this.owner(tag)).filter(isHash);
  }

  /** What is deleted after a manifest: what it needs, and what its tags belong to. */
  leansOn(digest: Hash): Hash[] {
    const { tags = [] } = this.#graph.manifests.get(digest) ?? {};
    return [...this.needs(digest), ...this.owners(tags)];
  }
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
