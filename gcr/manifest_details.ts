import { ManifestError } from "../src/errors.ts";
import { type AbortOptions, mapConcurrent, SharedWork } from "../src/io/mod.ts";
import type { Repository } from "../src/name/mod.ts";
import { DEFAULT_JOBS } from "../src/graph/internal.ts";
import type { Puller, RemoteManifest } from "../src/remote/mod.ts";
import {
  configPlatform,
  type Descriptor,
  type Hash,
  isConfig,
  isSchema1,
  manifestKind,
  parseIndexManifest,
  parseManifest,
  platformString,
} from "../src/spec/mod.ts";
import { findOrUndefined } from "../src/transport/internal.ts";
import type { ListedManifest } from "./listed_manifests.ts";

/** The details of a manifest in a listing. */
export interface ManifestDetails {
  /** `image`, `index`, or the artifact type. */
  readonly type: string;
  /** Its platforms, for example `linux/amd64`; all platforms of an index. */
  readonly platforms: readonly string[];
  /** The size of all its stored content in bytes; of an index with its images. */
  readonly size?: number;
  /** The creation time from its config. */
  readonly created?: Date;
}

/** Options of {@linkcode manifestDetails}. */
export interface ManifestDetailsOptions extends AbortOptions {
  /** The puller for the registry. */
  puller: Puller;
  /**
   * The number of manifests that are read at the same time.
   *
   * @default 4
   */
  jobs?: number;
}

/**
 * Reads the details of manifests of a repository, in order: each is fetched once, and with it the config of an image
 * whose index gives no platform. A manifest that was deleted meanwhile, or can't be read, has an empty type.
 */
export async function manifestDetails(
  repository: Repository,
  manifests: readonly ListedManifest[],
  options: ManifestDetailsOptions,
): Promise<ManifestDetails[]> {
  const { jobs = DEFAULT_JOBS, signal } = options;
  const reader = new DetailReader(repository, options.puller);
  // Indexes come first, as they give the platforms of their images.
  const indexes = manifests.filter(({ mediaType }) => manifestKind(mediaType) === "index");
  const pool = { concurrency: jobs, signal };
  await mapConcurrent(indexes, pool, ({ digest }, signal) => reader.manifest(digest, { signal }));
  return await mapConcurrent(manifests, pool, ({ digest }, signal) => reader.details(digest, { signal }));
}

/** Reads manifests of one repository, each once. */
class DetailReader {
  readonly #repository: Repository;
  readonly #puller: Puller;
  readonly #manifests = new SharedWork<RemoteManifest | undefined>({ keep: true });
  readonly #platforms = new Map<Hash, string>();

  constructor(repository: Repository, puller: Puller) {
    this.#repository = repository;
    this.#puller = puller;
  }

  /** Returns a manifest, or `undefined` if there is none. */
  manifest(digest: Hash, options: AbortOptions): Promise<RemoteManifest | undefined> {
    return this.#manifests.run(digest, options, (signal) => this.#fetch(digest, { signal }));
  }

  async details(digest: Hash, options: AbortOptions): Promise<ManifestDetails> {
    const manifest = await this.manifest(digest, options);
    if (!manifest) return { type: "", platforms: [] };
    try {
      switch (manifestKind(manifest.descriptor.mediaType)) {
        case "index":
          return await this.#indexDetails(manifest, options);
        case "image":
          return await this.#imageDetails(manifest, options);
        default:
          return { type: otherType(manifest.descriptor), platforms: [] };
      }
    } catch (error) {
      if (error instanceof ManifestError) return { type: "", platforms: [] };
      throw error;
    }
  }

  async #fetch(digest: Hash, options: AbortOptions): Promise<RemoteManifest | undefined> {
    let manifest: RemoteManifest | undefined;
    try {
      manifest = await findOrUndefined(() => this.#puller.get(this.#repository.digest(digest), options));
    } catch (error) {
      if (!(error instanceof ManifestError)) throw error;
    }
    if (manifest && manifestKind(manifest.descriptor.mediaType) === "index") {
      for (const { digest, platform } of membersOf(manifest)) {
        if (platform) this.#platforms.set(digest, platformString(platform));
      }
    }
    return manifest;
  }

  async #indexDetails(manifest: RemoteManifest, options: AbortOptions): Promise<ManifestDetails> {
    const members = membersOf(manifest);
    const sizes = await Promise.all(members.map((member) => this.#size(member, options)));
    return {
      type: manifest.descriptor.artifactType ?? "index",
      // Builders put attestations into an index under the platform unknown/unknown.
      platforms: [...new Set(members.flatMap(({ platform }) => platform ? [platformString(platform)] : []))]
        .filter((platform) => !platform.startsWith("unknown/")),
      size: sizes.reduce((sum, size) => sum + size, manifest.bytes.length),
    };
  }

  /** Returns the size of an index's member with its content; a nested index counts only its manifest. */
  async #size(member: Descriptor, options: AbortOptions): Promise<number> {
    if (manifestKind(member.mediaType) !== "image") return member.size;
    const manifest = await this.manifest(member.digest, options);
    return manifest ? imageSize(manifest) : member.size;
  }

  async #imageDetails(manifest: RemoteManifest, options: AbortOptions): Promise<ManifestDetails> {
    const { artifactType } = manifest.descriptor;
    const { config } = parseManifest(manifest.bytes, `${manifest.reference}`);
    const size = imageSize(manifest);
    if (!isConfig(config.mediaType)) return { type: artifactType ?? config.mediaType, platforms: [], size };
    const told = this.#platforms.get(manifest.descriptor.digest);
    if (told !== undefined) return { type: "image", platforms: [told], size };
    const file = await (await manifest.image(options)).configFile(options);
    const created = new Date(file.created ?? NaN);
    return {
      type: "image",
      platforms: [platformString(configPlatform(file))].filter((platform) => platform !== ""),
      size,
      ...(created.getTime() > 0 ? { created } : {}),
    };
  }
}

function membersOf(manifest: RemoteManifest): readonly Descriptor[] {
  return parseIndexManifest(manifest.bytes, `${manifest.reference}`).manifests;
}

function imageSize({ bytes, reference }: RemoteManifest): number {
  const { config, layers } = parseManifest(bytes, `${reference}`);
  return [config, ...layers].reduce((sum, { size }) => sum + size, bytes.length);
}

function otherType({ mediaType, artifactType }: Descriptor): string {
  return isSchema1(mediaType) ? "image (schema 1)" : artifactType ?? mediaType;
}
