import { BuildError } from "../errors.ts";
import { emptyIndex, type Image, type ImageIndex, type Layer } from "../image/mod.ts";
import { type AbortOptions, lazy, mapConcurrent } from "../io/mod.ts";
import { appendLayers, appendManifests, changeImage, changeIndex } from "../mutate/mod.ts";
import { MediaType, type Platform } from "../spec/mod.ts";
import type { BaseImage } from "./base.ts";
import type { BuildCache } from "./build_cache.ts";
import { Dependencies } from "./dependencies.ts";
import { architectureOf, checkNativeApp } from "./native_modules.ts";
import { contentsIn, factsOf, type FileContents } from "./file_set.ts";
import type { PlacedFiles } from "./image_files.ts";
import { withoutOciLabels } from "./labels.ts";
import { layerKey, layerOf } from "./layer.ts";
import { groupPackages } from "./layer_groups.ts";
import type { FetchedPackages } from "./fetched_packages.ts";
import type { Lock } from "./locked_package.ts";
import { compareTexts } from "./locks/fields.ts";
import type { BuiltPackage } from "./package_content.ts";
import type { CLibrary } from "./packages/mod.ts";
import { commandOf, programOf } from "./plan.ts";
import type { Project } from "./project.ts";
import type { ProjectFile, ProjectFiles } from "./project_files.ts";

/** A layer that a build has made. */
export interface BuiltLayer {
  /** What is in it: `package hono`, `packages 2 of 5`, `app`. */
  readonly what: string;
  /** Its content. */
  readonly layer: Layer;
}

/** An image for one platform. */
export interface BuiltPlatform {
  /** The platform, as the base has it. */
  readonly platform: Platform;
  /** The image, with the layers of its base. */
  readonly image: Image;
  /** The layers on top of the base's. */
  readonly layers: readonly BuiltLayer[];
  /** The part of the lock that is in it, with the licences of its packages. */
  readonly lock: Lock;
}

/** What becomes a layer. */
interface LayerPlan {
  readonly what: string;
  readonly sets: readonly PlacedFiles[];
}

/** Options of {@linkcode composeImages}. */
export interface ComposeOptions extends AbortOptions {
  readonly files: ProjectFiles;
  readonly fetched: FetchedPackages;
  /** Deno's cache. */
  readonly denoDir?: ProjectFiles;
  /** The C library of the base. */
  readonly libc: CLibrary;
  /** The images to build on. */
  readonly images: readonly BaseImage[];
  /** Labels and annotations of every image and of the index. */
  readonly labels: Readonly<Record<string, string>>;
  readonly mtime: number;
  readonly cache?: BuildCache;
}

/** How many packages a project may have in all. */
const LAYERS = 10;
/** How many images are made at the same time. */
const CONCURRENCY = 2;

/** Puts a project on the images of a base. */
export async function composeImages(
  project: Project,
  options: ComposeOptions,
): Promise<{ view: Image | ImageIndex; platforms: BuiltPlatform[] }> {
  const { images, labels } = options;
  const layersFor = new ProjectLayers(project, options);
  const platforms = await layersFor.ofPlatforms(images.map(({ platform }) => platform));
  const built = await mapConcurrent(platforms, { concurrency: CONCURRENCY, signal: options.signal }, async (one) => {
    const { image } = images.find(({ platform }) => platform === one.platform)!;
    return { ...one, image: await imageOn(image, one.layers, { project, options }) };
  });
  if (built.length === 1) return { view: built[0].image, platforms: built };
  const index = appendManifests(emptyIndex({ mediaType: MediaType.OciImageIndex }), built.map(({ image }) => image));
  return { view: changeIndex(index, { annotations: labels }), platforms: built };
}

async function imageOn(
  base: Image,
  layers: readonly BuiltLayer[],
  { project: { plan, settings }, options: { labels, mtime } }: { project: Project; options: ComposeOptions },
): Promise<Image> {
  const created = new Date(mtime * 1000).toISOString().replace(".000Z", "Z");
  const { config } = await base.configFile();
  const { annotations } = await base.manifest();
  const addenda = layers.map(({ what, layer }) => ({
    layer,
    history: { created, created_by: "gcrane build", comment: what },
  }));
  const ociBase = changeImage(base, { mediaType: MediaType.OciManifest });
  return changeImage(appendLayers(ociBase, addenda), {
    created,
    annotations: { ...withoutOciLabels(annotations), ...labels },
    labels: { ...withoutOciLabels(config?.Labels), ...labels, ...settings.labels },
    env: plan.env,
    entrypoint: commandOf(plan, programOf(plan.runtime, config ?? {})),
    cmd: plan.args.length > 0 ? plan.args : null,
    user: plan.user,
    workdir: `/${plan.workdir}`,
    exposedPorts: plan.ports.length > 0 ? plan.ports : undefined,
  });
}

/** The layers of a project, each made once for all platforms that have the same. */
class ProjectLayers {
  readonly #project: Project;
  readonly #options: ComposeOptions;
  readonly #dependencies: Dependencies;
  readonly #contents: FileContents;
  readonly #made = new Map<string, Promise<Layer>>();
  /** The app, which is the same on all platforms. */
  readonly #app = lazy(() => this.#ofProject("app", this.#project.app));

  constructor(project: Project, options: ComposeOptions) {
    this.#project = project;
    this.#options = options;
    const { files, fetched, denoDir } = options;
    const { lock, settings: { ignoreScripts } } = project;
    this.#contents = contentsIn(files);
    this.#dependencies = new Dependencies({ files, fetched, lock, denoDir, ignoreScripts });
  }

  async ofPlatforms(platforms: readonly Platform[]): Promise<Omit<BuiltPlatform, "image">[]> {
    const project = this.#project;
    const { fetched, libc, signal } = this.#options;
    const whole = await fetched.withPlatforms(project.lock, { signal });
    const chosen: { platform: Platform; lock: Lock; packages: BuiltPackage[] }[] = [];
    for (const platform of platforms) {
      await this.#checkProgram(platform);
      await checkNativeApp([...project.app, ...project.workspaces], { contents: this.#contents, platform });
      chosen.push({ platform, ...await this.#dependencies.forPlatform(whole, { platform, libc }, { signal }) });
    }
    const all = new Set(chosen.flatMap(({ packages }) => packages));
    const groups = groupPackages(
      [...all].map(({ locked: { name, os, cpu, libc }, facts: { size } }) => ({
        name,
        size,
        isSpecific: (os ?? cpu ?? libc) !== undefined,
      })),
      project.settings.layers ?? LAYERS,
    );
    return await mapConcurrent(chosen, { concurrency: CONCURRENCY, signal }, async ({ platform, lock, packages }) => {
      const parts = await this.#parts(lock, packages, groups);
      // One after the other: their codec has one thread, and several at a time take memory and no less time.
      const layers: BuiltLayer[] = [];
      for (const { what, sets } of parts) layers.push({ what, layer: await this.#layer(sets) });
      return { platform, layers, lock: withLicenses(lock, packages) };
    });
  }

  /** Returns what becomes a layer each, of packages in groups by their names, and of the project. */
  async #parts(
    lock: Lock,
    packages: readonly BuiltPackage[],
    groups: ReadonlyMap<string, string>,
  ): Promise<LayerPlan[]> {
    const { workspaces, vendored, plan: { root } } = this.#project;
    const groupOf = ({ locked: { name } }: BuiltPackage) => groups.get(name)!;
    const links = lock.links.map(({ path, target }): ProjectFile => ({
      path,
      type: "link",
      size: 0,
      executable: false,
      target: relative(path, target),
    }));
    const ofPackages = [...new Set(packages.map(groupOf))].sort().map((what) => ({
      what,
      sets: packages.filter((one) => groupOf(one) === what).flatMap(({ folders, list, contents, facts }) =>
        folders.map((folder) => ({ folder: `${root}/${folder}`, list, contents, facts }))
      ),
    }));
    return [
      ...ofPackages,
      ...await this.#ofProject("workspaces", [...workspaces, ...links]),
      ...await this.#ofProject("vendored modules", withoutJsr(vendored, packages)),
      ...await this.#app(),
    ];
  }

  /** Returns what becomes a layer of files of the project; nothing if there are none. */
  async #ofProject(what: string, files: readonly ProjectFile[]): Promise<LayerPlan[]> {
    if (files.length === 0) return [];
    const sorted = [...files].sort((a, b) => compareTexts(a.path, b.path));
    const set = { list: () => sorted, contents: this.#contents };
    return [{ what, sets: [{ ...set, folder: this.#project.plan.root, facts: await factsOf(set) }] }];
  }

  async #layer(sets: readonly PlacedFiles[]): Promise<Layer> {
    const key = await layerKey(sets, this.#options.mtime);
    const known = this.#made.get(key) ?? layerOf(sets, { ...this.#options, key });
    this.#made.set(key, known);
    return await known;
  }

  /** @throws {BuildError} if what is run is a program for another architecture. */
  async #checkProgram({ architecture }: Platform): Promise<void> {
    const { plan, app } = this.#project;
    if (plan.runtime !== "none") return;
    const path = `${plan.workdir}/${plan.entry}`.slice(plan.root.length + 1);
    const file = app.find((one) => one.path === path);
    const found = file && await architectureOf(this.#contents.stream(file));
    if (found === architecture) return;
    throw new BuildError(
      `the entry ${plan.entry} is a program for ${found ?? "no Linux"}, and the image for ${architecture}`,
      {
        hint: "choose the platform with --platform, or the runtime that runs the entry with --runtime",
      },
    );
  }
}

/** Returns what is vendored besides packages of JSR. */
function withoutJsr(vendored: readonly ProjectFile[], packages: readonly BuiltPackage[]): ProjectFile[] {
  const own = packages.flatMap(({ locked: { from }, folders }) => from === "jsr" ? folders : []);
  return vendored.filter(({ path }) => !own.some((folder) => path.startsWith(`${folder}/`)));
}

/** Returns a lock with the licences that the packages state themselves, as few forms of locks have them. */
function withLicenses(lock: Lock, packages: readonly BuiltPackage[]): Lock {
  const licenses = new Map(packages.map(({ locked, license }) => [locked, license]));
  return {
    ...lock,
    packages: lock.packages.map((locked) => {
      const license = locked.license ?? licenses.get(locked);
      return typeof license === "string" ? { ...locked, license } : locked;
    }),
  };
}

/** Returns the target of a link as written in it: relative to the folder that the link lies in. */
function relative(path: string, target: string): string {
  const from = path.split("/").slice(0, -1);
  const to = target.split("/");
  let shared = 0;
  while (shared < from.length && shared < to.length - 1 && from[shared] === to[shared]) shared++;
  return [...from.slice(shared).map(() => ".."), ...to.slice(shared)].join("/");
}
