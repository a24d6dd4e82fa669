import { encodeHex } from "@std/encoding/hex";
import type { ExtraItem } from "../../gcr/mod.ts";
import { staticLayer } from "../../src/image/mod.ts";
import { parseRepository } from "../../src/name/mod.ts";
import { Pusher } from "../../src/remote/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { type Descriptor, type Hash, MediaType } from "../../src/spec/mod.ts";
import { attachedTag } from "./gc_model.ts";

/** What a manifest of the model is made of, by digests. */
export interface Made {
  readonly members?: readonly Hash[];
  readonly subject?: Hash;
  /** A digest that an annotation mentions. */
  readonly mentions?: Hash;
}

/** What a repository has: its manifests, and what its tags point at. */
export interface Content {
  readonly digests: ReadonlySet<Hash>;
  readonly tags: ReadonlyMap<string, Hash>;
}

/** Makes manifests, each another one, and puts them where they are wanted. */
export class Maker {
  /** All that were made. */
  readonly made = new Map<Hash, Made & { readonly bytes: Uint8Array<ArrayBuffer>; readonly mediaType: string }>();
  readonly #pusher: Pusher;
  readonly #configs = new Map<string, Descriptor>();

  constructor(fetch: typeof globalThis.fetch) {
    this.#pusher = new Pusher({ fetch });
  }

  /** Makes a manifest: an index if it has members, else an image. */
  async make({ members = [], subject, mentions }: Made): Promise<Hash> {
    const isIndex = members.length > 0;
    const mediaType = isIndex ? MediaType.OciImageIndex : MediaType.OciManifest;
    const { descriptor: config } = await configLayer();
    const bytes = jsonBytes({
      schemaVersion: 2,
      mediaType,
      ...(isIndex ? { manifests: members.map((member) => this.#descriptor(member)) } : { config, layers: [] }),
      ...(subject && { subject: this.#descriptor(subject) }),
      annotations: { serial: String(this.made.size), ...(mentions && { mentions }) },
    });
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const digest: Hash = `sha256:${encodeHex(hash)}`;
    this.made.set(digest, { members, subject, mentions, bytes, mediaType });
    return digest;
  }

  /** Puts a manifest into a repository, by its digest and under tags, with all that it names before it. */
  async put(name: string, digest: Hash, tags: readonly string[] = []): Promise<void> {
    for (const named of this.names(digest)) await this.put(name, named);
    const repository = parseRepository(name);
    if (!this.#configs.has(name)) {
      this.#configs.set(name, await this.#pusher.upload(repository, (await configLayer()).layer));
    }
    const { bytes, mediaType } = this.made.get(digest)!;
    for (const reference of [repository.digest(digest), ...tags.map((tag) => repository.tag(tag))]) {
      await this.#pusher.put(reference, { bytes, mediaType });
    }
  }

  /** What a manifest names. */
  names(digest: Hash): Hash[] {
    const { members = [], subject, mentions } = this.made.get(digest)!;
    return [...members, ...[subject, mentions].filter((named) => named !== undefined)];
  }

  #descriptor(digest: Hash): Descriptor {
    const { bytes, mediaType } = this.made.get(digest)!;
    return { mediaType, digest, size: bytes.length };
  }
}

/** The config of all images. */
async function configLayer() {
  const config = { os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [] } };
  const layer = await staticLayer(jsonBytes(config), MediaType.OciConfig);
  return { layer, descriptor: await layer.descriptor() };
}

/** The digest that a tag is attached to. */
export function ownerOf(tag: string, digests: ReadonlySet<Hash>): Hash | undefined {
  return [...digests].find((digest) => ["", ".sig", ".att", ".sbom"].some((end) => tag === attachedTag(digest, end)));
}

/**
 * What is left of a target after what a list allows was deleted, found in another way than the code under test: what is
 * kept grows, by one rule after the other over all pairs of manifests, until nothing changes.
 */
export function modelOfApply(
  maker: Pick<Maker, "names"> & { readonly made: ReadonlyMap<Hash, Made> },
  { source, target, allowed, tagsAlone = false }: {
    source: Content;
    target: Content;
    allowed: readonly ExtraItem[];
    /** Whether only tags are known: a manifest to which none leads counts as going, though it is not deleted. */
    tagsAlone?: boolean;
  },
): Content {
  const digests = target.digests;
  const isAllowed = (digest: Hash, tag?: string) => allowed.some((item) => item.tag === tag && item.digest === digest);
  const tagged = [...target.tags].map(([tag, digest]) => ({ tag, digest, owner: ownerOf(tag, digests) }));
  const going = tagged.filter(({ tag, digest, owner }) =>
    !source.tags.has(tag) && isAllowed(digest, tag) &&
    !(owner && source.digests.has(owner) && tag === attachedTag(owner, ""))
  );
  const staying = tagged.filter((entry) => !going.includes(entry));
  const grow = (start: Iterable<Hash>, leads: (a: Hash, b: Hash) => boolean) => {
    const kept = new Set(start);
    for (let size = -1; size !== kept.size;) {
      size = kept.size;
      for (const a of kept) for (const b of digests) if (leads(a, b)) kept.add(b);
    }
    return kept;
  };
  const names = (a: Hash, b: Hash) => maker.names(a).includes(b);
  const mirrored = grow(source.digests, names);
  const belongs = (a: Hash, b: Hash) =>
    maker.made.get(b)!.subject === a || tagged.some(({ digest, owner }) => owner === a && digest === b);
  const free = [...digests].filter((digest) =>
    (tagsAlone || (!source.digests.has(digest) && isAllowed(digest))) &&
    !staying.some((entry) => entry.digest === digest)
  );
  const kept = grow(
    [...digests].filter((digest) => !free.includes(digest) || staying.some(({ owner }) => owner === digest)),
    (a, b) => names(a, b) || (!mirrored.has(a) && belongs(a, b)),
  );
  const tags = tagged.filter((entry) =>
    !going.includes(entry) || (entry.owner && kept.has(entry.owner) && !mirrored.has(entry.owner))
  );
  return { digests: kept, tags: new Map(tags.map(({ tag, digest }) => [tag, digest])) };
}
