import { NotFoundError, ValidationError } from "../errors.ts";
import { type Image, type ImageIndex, selectImage } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { mapIndex, rebaseImage } from "../mutate/mod.ts";
import { configPlatform, type Hash, type Platform } from "../spec/mod.ts";
import { referenceIn, sourceName } from "../source/internal.ts";
import { type ImageSource, open } from "../source/mod.ts";
import { changeSource, type ChangeSourceOptions } from "./change_reference.ts";
import { referenceOf } from "./options.ts";

const BASE_NAME = "org.opencontainers.image.base.name";
const BASE_DIGEST = "org.opencontainers.image.base.digest";

/** Options of {@linkcode rebase}. */
export interface RebaseOptions extends ChangeSourceOptions {
  /**
   * The image that the original is based on.
   *
   * @default the digest in the original's annotations, in the repository that they give or else the new base's
   */
  oldBase?: ImageSource;
  /**
   * The image to use as the base instead.
   *
   * @default the name of the base in the original's annotations, which may point at a newer image by now
   */
  newBase?: ImageSource;
}

/**
 * Moves an image, or each image of an index, to another base, and pushes the result. From a base that is an index, the
 * image for the original's platform is used. Reads only manifests and configs.
 *
 * @returns `repository@digest` of the result
 * @throws {ValidationError} if no base is given, or the original is not based on the old one.
 */
export async function rebase(
  source: ImageSource,
  options: RebaseOptions = {},
): Promise<`${string}@${Hash}`> {
  return await changeSource(source, async (view, { puller, images }) => {
    const bases = new Map<ImageSource, Promise<Image | ImageIndex>>();
    const find = (base: ImageSource) => {
      const found = bases.get(base) ?? open(base, { ...options, puller, platform: undefined, platforms: undefined });
      bases.set(base, found);
      return found;
    };
    const edit = (image: Image) => rebaseOne(image, { find, reference: sourceName(source), options });
    return view.kind === "index" ? mapIndex(view, edit, { images }) : await edit(view);
  }, options);
}

interface Rebasing {
  /** Opens a base and keeps it for later calls. */
  readonly find: (base: ImageSource) => Promise<Image | ImageIndex>;
  readonly reference: string;
  readonly options: RebaseOptions;
}

async function rebaseOne(original: Image, { find, reference, options }: Rebasing): Promise<Image> {
  const { annotations = {} } = await original.manifest(options);
  const newSource = options.newBase ?? annotations[BASE_NAME];
  if (!newSource) throw baseless(reference, { annotation: BASE_NAME, which: "new" });
  const newName = referenceIn(newSource);
  const parsed = newName === undefined ? undefined : referenceOf(newName, options);
  const digest = annotations[BASE_DIGEST];
  // The digest belongs to the base's old name, even if the new base is elsewhere.
  const old = annotations[BASE_NAME] ? referenceOf(annotations[BASE_NAME], options).repository : parsed?.repository;
  const oldSource = options.oldBase ?? (digest && old ? old.digest(digest as Hash).name : undefined);
  if (!oldSource) throw baseless(reference, { annotation: BASE_DIGEST, which: "old" });
  const platform = configPlatform(await original.configFile(options));
  const newBase = await find(newSource);
  return rebaseImage(original, {
    oldBase: await baseFor(platform, await find(oldSource), options),
    newBase: await baseFor(platform, newBase, options),
    name: parsed?.kind === "tag" ? parsed.name : undefined,
    digest: await newBase.digest(options),
  });
}

/**
 * Returns the image of a base for an architecture. The version of the operating system may differ, for example in its
 * patch level.
 */
async function baseFor(
  { os, architecture, variant }: Platform,
  base: Image | ImageIndex,
  { signal }: AbortOptions,
): Promise<Image> {
  if (base.kind === "image") return base;
  try {
    return await selectImage(base, { os, architecture, variant }, { signal });
  } catch (error) {
    // Many indexes lack the variant that their images have.
    if (!(error instanceof NotFoundError) || variant === undefined) throw error;
    return await selectImage(base, { os, architecture }, { signal });
  }
}

function baseless(reference: string, { annotation, which }: { annotation: string; which: string }): ValidationError {
  return new ValidationError(`${reference} does not name its base: it has no annotation ${annotation}`, {
    hint: `name the ${which} base with --${which}-base`,
  });
}
