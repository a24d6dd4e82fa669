import { UsageError } from "../errors.ts";
import { digestBytes } from "../io/mod.ts";
import { editImage } from "../mutate/mod.ts";
import type { Reference } from "../name/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { manifestFields } from "../spec/internal.ts";
import type { Hash } from "../spec/mod.ts";
import { type ChangeOptions, changeSource, destinationOf } from "./change_reference.ts";
import { pusherOf, referenceOf } from "./options.ts";

/** Returns new bytes for old ones, for example from an editor. */
export type EditBytes = (bytes: Bytes) => Bytes | Promise<Bytes>;

/**
 * Replaces the config file of an image in a registry, byte for byte, and pushes the result; the original stays.
 *
 * @returns `repository@digest` of the result
 * @throws {UsageError} if it is an index and no platform is given.
 */
export async function editConfig(
  reference: Reference | string,
  edit: EditBytes,
  options: ChangeOptions = {},
): Promise<`${string}@${Hash}`> {
  return await changeSource(reference, async (view) => {
    if (view.kind === "index") {
      throw new UsageError(`${reference} is an index, which has no config`, {
        hint: "choose one of its images with --platform",
      });
    }
    const edited = await edit(await view.rawConfigFile(options));
    return editImage(view, { rawConfigFile: () => edited });
  }, options);
}

/** Options of {@linkcode editManifest}. */
export interface EditManifestOptions extends ChangeOptions {
  /**
   * The media type of the result.
   *
   * @default the `mediaType` in the result, else that of the original
   */
  mediaType?: string;
}

/**
 * Replaces the manifest of an image or an index in a registry, byte for byte, and pushes the result; the original
 * stays. The content of the new manifest must be there, as only the manifest is pushed.
 *
 * @returns `repository@digest` of the result
 */
export async function editManifest(
  reference: Reference | string,
  edit: EditBytes,
  options: EditManifestOptions = {},
): Promise<`${string}@${Hash}`> {
  const source = referenceOf(reference, options);
  const destination = destinationOf(source, options);
  const { pusher, puller } = pusherOf(options);
  const found = await puller.get(source, options);
  const chosen = options.platform ? await found.image(options) : undefined;
  const edited = await edit(chosen ? await chosen.rawManifest(options) : found.bytes);
  const { mediaType: own } = manifestFields(edited, "the edited manifest");
  const before = chosen ? await chosen.mediaType(options) : found.descriptor.mediaType;
  const mediaType = options.mediaType ?? (typeof own === "string" && own !== "" ? own : before);
  const digest = await digestBytes(edited);
  const { repository } = destination;
  await pusher.put(destination.reference ?? repository.digest(digest), { bytes: edited, mediaType }, options);
  return `${repository.name}@${digest}`;
}
