import type { AbortOptions } from "../io/mod.ts";
import { parseRepository } from "../name/mod.ts";
import { Pusher, type RemoteOptions } from "../remote/mod.ts";
import type { Hash } from "../spec/mod.ts";
import { attachmentOf } from "./attach.ts";
import type { BuiltImage } from "./build_image.ts";
import type { SbomFormat } from "./sbom_of.ts";

/** Options of {@linkcode pushSboms}. */
export interface PushSbomsOptions extends RemoteOptions, AbortOptions {
  /**
   * The formats.
   * @default both
   */
  readonly formats?: readonly SbomFormat[];
}

/**
 * Attaches the list of its packages to each image of a build, in the repository that it was pushed to.
 *
 * @returns the digests of what is attached
 */
export async function pushSboms(
  built: BuiltImage,
  repository: string,
  options: PushSbomsOptions = {},
): Promise<Hash[]> {
  const { formats = ["spdx", "cyclonedx"] } = options;
  const to = parseRepository(repository, { insecure: options.insecure });
  const pusher = new Pusher(options);
  const digests: Hash[] = [];
  for (const platform of built.platforms) {
    for (const format of formats) {
      const document = await built.sbom(platform, format);
      digests.push(await pusher.push(to, await attachmentOf(platform.image, document, options), options));
    }
  }
  return digests;
}
