import type { BlobOrigin } from "../src/image/mod.ts";
import type { Repository } from "../src/name/mod.ts";
import type { Hash } from "../src/spec/mod.ts";

/** How many blobs are remembered. */
const CAPACITY = 20_000;

/**
 * In which repository of the destination a blob was put or found last, so that other repositories mount it from there.
 * The ones that were asked for longest ago are forgotten, so memory does not grow with the registry.
 */
export class MountOrigins {
  readonly #places = new Map<Hash, BlobOrigin>();
  readonly #capacity: number;

  /** Makes it for so many blobs. */
  constructor(capacity: number = CAPACITY) {
    this.#capacity = capacity;
  }

  /** Where a blob is, if that is known. */
  of(digest: Hash): BlobOrigin | undefined {
    const place = this.#places.get(digest);
    if (place) this.#remember(digest, place);
    return place;
  }

  /** Notes that a repository has a blob. */
  note(digest: Hash, { registry, repository }: Repository): void {
    this.#remember(digest, { registry: registry.name, repository });
  }

  #remember(digest: Hash, place: BlobOrigin): void {
    this.#places.delete(digest);
    this.#places.set(digest, place);
    if (this.#places.size > this.#capacity) this.#places.delete(this.#places.keys().next().value!);
  }
}
