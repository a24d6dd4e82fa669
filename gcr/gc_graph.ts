import { referrersTag } from "../src/remote/mod.ts";
import { type Hash, isHash } from "../src/spec/mod.ts";

/** A blob that a manifest names: its config or a layer. */
export interface GcBlob {
  /** Its digest. */
  readonly digest: Hash;
  /** Its size in bytes. */
  readonly size: number;
}

/** A manifest in a garbage collection. */
export interface GcManifest {
  /** Its digest. */
  readonly digest: Hash;
  /** The tags that point at it. */
  readonly tags: readonly string[];
  /** The upload time in milliseconds since the epoch, if it is known. */
  readonly uploaded?: number;
  /** The members of an index. */
  readonly members: readonly Hash[];
  /** The manifest's subject. */
  readonly subject?: Hash;
  /** Further digests that it mentions, for example in annotations. */
  readonly mentions?: readonly Hash[];
  /** The config of an image, whose digest some programs use as the image's id. */
  readonly config?: Hash;
  /** The size of the manifest itself in bytes. */
  readonly size: number;
  /** The blobs of the manifest. */
  readonly blobs: readonly GcBlob[];
}

/** The known manifests of a repository and their references. */
export interface GcGraph {
  /** The path of the repository in its registry. */
  readonly repository: string;
  /** The full name of the repository. */
  readonly name: string;
  /** Its manifests. */
  readonly manifests: ReadonlyMap<Hash, GcManifest>;
  /** The referrers that the registry lists, in addition to the subjects in the manifests. */
  readonly referrers: ReadonlyMap<Hash, readonly Hash[]>;
}

/** A tag like `sha256-<hex>`, `sha256-<hex>.sig`, `.att` or `.sbom`. */
const ATTACHED = /^(?:sha256-([0-9a-f]{64})(?:\.(?:sig|att|sbom))?|sha512-[0-9a-f]{121})$/;

/**
 * Returns whether a tag belongs to the manifest of a digest: the list of its referrers (distribution-spec, "Referrers
 * Tag Schema"), or cosign's signatures, attestations or SBOM of it.
 */
export function isAttachedTag(tag: string): boolean {
  return ATTACHED.test(tag);
}

/**
 * Returns the manifest that a tag belongs to by its form; `undefined` for other tags, and for a tag that has only a part
 * of the digest.
 */
export function attachedDigest(tag: string): Hash | undefined {
  const [, hex] = ATTACHED.exec(tag) ?? [];
  return hex === undefined ? undefined : `sha256:${hex}`;
}

/** The references between the manifests of a repository. */
export class GcLinks {
  readonly #graph: GcGraph;
  readonly #referrers = new Map<Hash, Hash[]>();
  /** The digests of manifests by their referrers tag. */
  readonly #owners = new Map<string, Hash>();
  /** The manifests with a tag that belongs to a manifest. */
  readonly #attached = new Map<Hash, Hash[]>();

  /** Creates the references of a graph. */
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

  /** Returns the manifest that a tag belongs to, or `undefined` if it belongs to none of the repository. */
  owner(tag: string): Hash | undefined {
    return isAttachedTag(tag) ? this.#owners.get(tag.replace(/\..*$/, "")) : undefined;
  }

  /** Returns the referrers of a manifest: by their subject, or by a tag with the manifest's digest. */
  referring(digest: Hash): readonly Hash[] {
    return [...this.#referrers.get(digest) ?? [], ...this.#attached.get(digest) ?? []];
  }

  /** Returns the referrers of a manifest, their referrers, and so on. */
  allReferring(digest: Hash): ReadonlySet<Hash> {
    const found = new Set(this.referring(digest));
    for (const other of found) for (const next of this.referring(other)) found.add(next);
    return found;
  }

  /**
   * Returns everything that is kept with some manifests, each with the manifest that keeps it; the roots keep
   * themselves. This includes what they need, and their referrers as long as those are complete.
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
   * Splits manifests into waves to be deleted one after the other, so that no manifest ever lacks its member or
   * subject: an index comes before its members, a referrer before its subject.
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
    // Digests can't form a cycle, but tags can: two signatures can be tagged as each other's.
    return waiting.size > 0 ? [...waves, [...waiting.keys()]] : waves;
  }

  /** Returns the manifests that a manifest needs: its members and everything else that it mentions. */
  needs(digest: Hash): Hash[] {
    const { manifests } = this.#graph;
    const { members = [], subject, blobs = [], mentions = [] } = manifests.get(digest) ?? {};
    const named = [...members, ...subject ? [subject] : [], ...blobs.map(({ digest }) => digest), ...mentions];
    return named.filter((other) => manifests.has(other));
  }

  /** Returns the manifests that one of some tags points at. */
  targets(tags: ReadonlySet<string>): Hash[] {
    const all = [...this.#graph.manifests.values()];
    return all.filter((manifest) => manifest.tags.some((tag) => tags.has(tag))).map(({ digest }) => digest);
  }

  /** Returns the manifests that a manifest's tags belong to. */
  owners(tags: readonly string[]): Hash[] {
    return tags.map((tag) => this.owner(tag)).filter(isHash);
  }

  /**
   * Returns the manifests that are deleted after a manifest: those that it needs, and those that its tags belong to.
   */
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
