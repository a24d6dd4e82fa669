import type { Image, ImageIndex } from "../image/mod.ts";
import type { AbortOptions } from "../io/mod.ts";
import { parseReference } from "../name/mod.ts";
import type { RemoteOptions } from "../remote/mod.ts";
import { type ImageSource, open } from "../source/mod.ts";
import type { Hash } from "../spec/mod.ts";
import type { Attachment } from "./attach.ts";
import { baseImages } from "./base.ts";
import type { BuildCache } from "./build_cache.ts";
import { type BuiltPlatform, composeImages } from "./compose_images.ts";
import { FetchedPackages, type FetchPackagesOptions } from "./fetched_packages.ts";
import { ociLabels } from "./labels.ts";
import { type BuildPlan, DEFAULT_BASES } from "./plan.ts";
import { readProject } from "./project.ts";
import type { ProjectFiles } from "./project_files.ts";
import { type SbomFormat, sbomOf } from "./sbom_of.ts";
import type { BuildSettings } from "./settings.ts";

/** Options of {@linkcode buildImage}. The settings come before those in the project's package.json or deno.json. */
export interface BuildImageOptions extends Omit<BuildSettings, "base">, RemoteOptions, AbortOptions {
  /** The files of the project. */
  readonly files: ProjectFiles;
  /**
   * The image to build on, or the index of one for several platforms.
   * @default the one in the settings of the project, else a small image with the runtime
   */
  readonly base?: ImageSource;
  /**
   * Opens the base that the settings of the project name.
   * @default as a reference
   */
  readonly openBase?: (name: string) => Promise<Image | ImageIndex>;
  /**
   * The folder of the app among the files, for a workspace of a project: `services/api`. The image has what it needs
   * of the others.
   * @default the project itself
   */
  readonly project?: string;
  /**
   * Whether the files are what a build made, with everything that they need: no lock is read.
   * @default false
   */
  readonly bundle?: boolean;
  /**
   * The time of everything in the image, in seconds since 1970.
   * @default 0
   */
  readonly mtime?: number;
  /**
   * The commit that is built, for a label.
   * @default none
   */
  readonly revision?: string;
  /**
   * Where layers are kept between builds.
   * @default nowhere
   */
  readonly cache?: BuildCache;
  /**
   * How packages are fetched that are not installed.
   * @default from the registry that .npmrc and the environment name, and kept nowhere
   */
  readonly packages?: FetchPackagesOptions;
  /**
   * Deno's cache, the folder that DENO_DIR names, for packages that are not in the project.
   * @default none
   */
  readonly denoDir?: ProjectFiles;
  /**
   * Called with a message for the user.
   * @default not called
   */
  readonly onWarning?: (message: string) => void;
}

/** An image that was built. */
export interface BuiltImage {
  /** The image; for several platforms, an index of the images. */
  readonly view: Image | ImageIndex;
  /** What is run in it. */
  readonly plan: BuildPlan;
  /** The base, pinned: its name, if it is one that may move, and its digest. */
  readonly base: { readonly name?: string; readonly digest: Hash };
  /** The images by platform, with their layers and packages. */
  readonly platforms: readonly BuiltPlatform[];
  /** Makes the list of the packages of one of the images, in a format. */
  sbom(platform: BuiltPlatform, format: SbomFormat): Promise<Attachment>;
}

/**
 * Builds an image of a JavaScript project: its dependencies as the lock has them, its files, and a runtime below. Runs
 * nothing of the project. The same files on the same base give the same digest, on every runtime.
 *
 * @throws {BuildError} if something is unclear, or must not be in an image.
 * @throws {LockError} if there is no lock, or it does not fit package.json.
 * @throws {PackageError} if a package can't be fetched or verified.
 */
export async function buildImage(options: BuildImageOptions): Promise<BuiltImage> {
  const { files, project = "", bundle = false, mtime = 0, revision, cache, onWarning, signal } = options;
  const read = await readProject(files, { project, bundle, settings: settingsIn(options), onWarning });
  const { configuration, settings, plan } = read;
  const source = options.base ?? settings.base ?? DEFAULT_BASES[plan.runtime];
  const view = await openBase(source, options);
  const name = baseName(source);
  const base = { ...name !== undefined && { name }, digest: await view.digest({ signal }) };
  const images = await baseImages(view, { name: name ?? base.digest, platforms: settings.platforms, signal });
  const labels = ociLabels({ configuration, revision, mtime, base });
  // Packages of npm have two forms at most; Alpine is the base with musl that there is.
  const libc = settings.libc ?? (name?.includes("alpine") ? "musl" : "glibc");
  const fetched = new FetchedPackages(files, options.packages);
  const { denoDir } = options;
  const composed = await composeImages(read, { files, fetched, denoDir, libc, images, labels, mtime, cache, signal });
  const sbom = ({ lock }: BuiltPlatform, format: SbomFormat) => sbomOf(lock, { configuration, project, mtime, format });
  return { ...composed, plan, base, sbom };
}

async function openBase(source: ImageSource, options: BuildImageOptions): Promise<Image | ImageIndex> {
  if (typeof source === "string" && options.base === undefined && options.openBase) {
    return await options.openBase(source);
  }
  // The platforms are chosen later, so that the digest is that of the whole base.
  return await open(source, { ...options, platforms: undefined });
}

/** Returns the name of a base that may move to another image: a reference by tag. */
function baseName(source: ImageSource): string | undefined {
  if (typeof source !== "string" && !("kind" in source && source.kind === "tag")) return undefined;
  try {
    const reference = parseReference(source);
    return reference.kind === "tag" ? reference.name : undefined;
  } catch {
    return undefined; // a path
  }
}

function settingsIn(options: BuildImageOptions): BuildSettings {
  const { runtime, entry, args, env, labels, user, ports, include, exclude, platforms, libc } = options;
  const { ignoreScripts, layers } = options;
  return { runtime, entry, args, env, labels, user, ports, include, exclude, platforms, libc, ignoreScripts, layers };
}
