import { ManifestError, NotFoundError, UsageError } from "../errors.ts";
import {
  emptyIndex,
  findManifests,
  type Image,
  type ImageIndex,
  type IndexChild,
  matchPlatforms,
  selectImage,
} from "../image/mod.ts";
import { mapConcurrent } from "../io/mod.ts";
import { appendManifests, removeManifests } from "../mutate/mod.ts";
import { DEFAULT_JOBS, type Puller } from "../remote/mod.ts";
import { exists, joinPath, stat } from "../runtime/mod.ts";
import { type Descriptor, type Hash, MediaType, type Platform, platformString } from "../spec/mod.ts";
import { type ChangeOptions, destinationOf, pushTo } from "./change_reference.ts";
import { load } from "./load.ts";
import { type CraneOptions, pullerOf, pusherOf, referenceOf } from "./options.ts";
import { openOrCreate } from "./save.ts";

/** Options of what puts members into an index. */
export interface MemberOptions extends CraneOptions {
  /**
   * Whether of an index its members are put in, rather than the index itself.
   * @default true
   */
  flatten?: boolean;
}

/** Options of {@linkcode appendToIndex}. */
export interface AppendToIndexOptions extends MemberOptions, ChangeOptions {
  /**
   * Whether an index that is made without a base has Docker's media type instead of OCI's.
   * @default false
   */
  docker?: boolean;
}

/**
 * An index in a registry with further members at its end, pushed; the original stays. Members are references, layouts
 * or tarballs; with a platform, of an index its image for that. Layers are copied only if they are elsewhere.
 *
 * @param base the reference of the index to put them into; `undefined` for a new one, which needs a tag
 * @returns `repository@digest` of the result
 */
export async function appendToIndex(
  base: string | undefined,
  members: readonly string[],
  options: AppendToIndexOptions = {},
): Promise<`${string}@${Hash}`> {
  const name = base ?? options.tag;
  if (name === undefined) throw new UsageError("a new index has no name yet", { hint: "give it one with -t" });
  const { pusher, puller } = pusherOf(options);
  const destination = destinationOf(referenceOf(name, options), options);
  const empty = () => emptyIndex({ mediaType: options.docker ? MediaType.DockerManifestList : undefined });
  const index = base === undefined ? empty() : await puller.index(referenceOf(base, options), options);
  const found = await findMembers(members, puller, options);
  return await pushTo(destination, appendManifests(index, found), { pusher, options });
}

/** Puts members into a layout, which is made if it is not there. They are named as for {@linkcode appendToIndex}. */
export async function appendToLayout(
  path: string,
  members: readonly string[],
  options: MemberOptions = {},
): Promise<void> {
  // An index of them says what each runs on. All are found before anything is made.
  const index = appendManifests(emptyIndex(), await findMembers(members, pullerOf(options), options));
  const children = await index.children(options);
  const layout = await openOrCreate(path, options);
  for (const { view, descriptor: { platform } } of children) {
    const append = { signal: options.signal, onProgress: options.onProgress, concurrency: options.jobs, platform };
    if (view.kind === "image") await layout.appendImage(view, append);
    else if (view.kind === "index") await layout.appendIndex(view, append);
  }
}

/**
 * An index in a registry with those of its members alone that are for one of the platforms, pushed; the original stays.
 *
 * @returns `repository@digest` of the result
 * @throws {NotFoundError} when there are none; it says which platforms there are.
 */
export async function filterIndex(
  reference: string,
  platforms: readonly Platform[],
  options: Omit<ChangeOptions, "platform"> = {},
): Promise<`${string}@${Hash}`> {
  const { pusher, puller } = pusherOf(options);
  const source = referenceOf(reference, options);
  const index = await puller.index(source, options);
  const matches = matchPlatforms(...platforms);
  const { manifests } = await index.manifest(options);
  if (!manifests.some(matches)) {
    const there = [...new Set(manifests.map(({ platform }) => platform && platformString(platform)))].filter(Boolean);
    throw new NotFoundError(
      `${reference} has nothing for ${platforms.map(platformString).join(" or ")}; ` +
        (there.length > 0 ? `it has ${there.join(", ")}` : "it names no platforms"),
    );
  }
  const filtered = removeManifests(index, (descriptor) => !matches(descriptor));
  return await pushTo(destinationOf(source, options), filtered, { pusher, options });
}

/** What an index lists: one in a registry, or the layout at a path. @throws {ManifestError} when it is an image. */
export async function indexMembers(name: string, options: CraneOptions = {}): Promise<readonly Descriptor[]> {
  const index = await isPath(name)
    ? indexOnly(await load(name, { ...options, index: true }), name)
    : await pullerOf(options).index(referenceOf(name, options), options);
  return await findManifests(index, () => true, options);
}

type Member = IndexChild["view"];

async function findMembers(names: readonly string[], puller: Puller, options: MemberOptions): Promise<Member[]> {
  const { jobs = DEFAULT_JOBS, signal, flatten = true } = options;
  const found = await mapConcurrent(names, { concurrency: jobs, signal }, async (name, signal): Promise<Member[]> => {
    const view = await findMember(name, puller, { ...options, signal });
    if (view.kind === "image" || !flatten) return [view];
    return (await view.children({ signal })).map((child) => child.view);
  });
  return found.flat();
}

async function findMember(name: string, puller: Puller, options: MemberOptions): Promise<Image | ImageIndex> {
  if (await isPath(name)) return await findLocal(name, options);
  const found = await puller.get(referenceOf(name, options), options);
  return options.platform ? await found.image(options) : found.view();
}

/** What a tarball or a layout holds: the only thing in it, else all of it as the index that a layout is. */
async function findLocal(path: string, { platform, signal }: MemberOptions): Promise<Image | ImageIndex> {
  const view = await load(path, { index: true, signal });
  if (view.kind === "image") return view;
  const several = (await view.children({ signal })).length > 1;
  if (several) return platform ? await selectImage(view, platform, { signal }) : view;
  return await load(path, { platform, signal });
}

function indexOnly(view: Image | ImageIndex, name: string): ImageIndex {
  if (view.kind === "index") return view;
  throw new ManifestError(`${name} is not an index but a tarball`);
}

/**
 * Whether a name is that of a path, and not a reference: it begins with `/`, `./` or `../`, or is that of a file or a
 * layout that is there.
 */
export async function isPath(name: string): Promise<boolean> {
  if (/^\.{0,2}\//.test(name)) return true;
  if (!await exists(name)) return false;
  return (await stat(name)).kind !== "directory" || await exists(joinPath(name, "oci-layout"));
}
