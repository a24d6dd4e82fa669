import { LockError } from "../errors.ts";
import { isObject } from "../io/mod.ts";
import { appFiles } from "./app_files.ts";
import { type Configuration, readConfiguration } from "./configuration.ts";
import type { Lock } from "./locked_package.ts";
import { lockFor } from "./lock_for.ts";
import { checkLock, readLock } from "./locks/mod.ts";
import { type BuildPlan, chooseRuntime, makePlan } from "./plan.ts";
import type { ProjectFile, ProjectFiles } from "./project_files.ts";
import { type BuildSettings, checkSettings, settingsOf } from "./settings.ts";

/** A project as it is built: what is run, the packages that it needs, and the files of its own. */
export interface Project {
  readonly configuration: Configuration;
  readonly settings: BuildSettings;
  readonly plan: BuildPlan;
  readonly lock: Lock;
  /** The files of the app. */
  readonly app: readonly ProjectFile[];
  /** The files of the workspaces that it needs. */
  readonly workspaces: readonly ProjectFile[];
  /** The files of modules that Deno has vendored. */
  readonly vendored: readonly ProjectFile[];
}

/** Options of {@linkcode readProject}. */
export interface ReadProjectOptions {
  /** The folder of the app among the files, for a workspace of a project; `""` for the project itself. */
  readonly project: string;
  /** Settings that override those of the project. */
  readonly settings: BuildSettings;
  /** Whether the files are what a build made, which needs no lock. */
  readonly bundle: boolean;
  /** Called with a message for the user. */
  readonly onWarning?: (message: string) => void;
}

/** Reads a project. @throws {BuildError | LockError} if no image can be built of it. */
export async function readProject(files: ProjectFiles, options: ReadProjectOptions): Promise<Project> {
  const { project, bundle, onWarning } = options;
  const configuration = await readConfiguration(files, project);
  const settings = mergedSettings(configuration, options.settings);
  const { include, exclude } = settings;
  const whole = bundle ? NO_LOCK : await lockOf(files, configuration, project);
  const lock = lockFor(whole, project);
  const folders = lock.packages.flatMap(({ from, paths }) => from === "workspace" ? paths : []);
  const others = folders.filter((folder) => folder !== project);
  const isVendored = configuration.denoJson?.value.vendor === true;
  const vendor = isVendored ? [project === "" ? "vendor" : `${project}/vendor`] : [];
  const apart = [...others, ...vendor];
  const app = await appFiles(files, project, { include, exclude, apart, bundle, onWarning });
  const workspaces = await Promise.all(
    others.map((folder) =>
      appFiles(files, folder, { exclude, apart: others.filter((other) => other !== folder), onWarning })
    ),
  );
  const vendored = await Promise.all(vendor.map((folder) => allFiles(files, folder)));
  if (lock.importsUrls && vendored.every((files) => files.length === 0)) {
    onWarning?.(
      'the image lacks the modules of URLs in deno.lock: set "vendor": true in deno.json, and run "deno install"',
    );
  }
  const runtime = chooseRuntime(configuration, { settings, lock: bundle ? undefined : whole });
  const start = project === "" ? 0 : project.length + 1;
  const paths = new Set([...app, ...project === "" ? workspaces.flat() : []].map(({ path }) => path.slice(start)));
  const has = (kind: string) => lock.packages.some(({ from }) => from === kind);
  const plan = makePlan(configuration, {
    settings,
    runtime,
    project,
    paths,
    needs: { vendor: has("jsr") || vendored.some((files) => files.length > 0), npm: has("npm") },
  });
  return { configuration, settings, plan, lock, app, workspaces: workspaces.flat(), vendored: vendored.flat() };
}

const NO_LOCK: Lock = { file: "", manager: "npm", packages: [], links: [], requested: new Map() };

/** Reads the lock, which has to fit package.json. A project without dependencies needs none. */
async function lockOf(files: ProjectFiles, configuration: Configuration, project: string): Promise<Lock> {
  const { packageJson } = configuration;
  let lock: Lock;
  try {
    lock = await readLock(files);
  } catch (error) {
    if (error instanceof LockError && !needsLock(configuration) && !await hasLock(files)) return NO_LOCK;
    throw error;
  }
  if (packageJson && lock.manager !== "deno") checkLock(lock, packageJson, project);
  return lock;
}

function needsLock({ packageJson, denoJson }: Configuration): boolean {
  const names = ["dependencies", "optionalDependencies", "workspaces"];
  const hasSome = (value: unknown) =>
    Array.isArray(value) ? value.length > 0 : isObject(value) && Object.keys(value).length > 0;
  return names.some((name) => hasSome(packageJson?.[name])) || hasSome(denoJson?.value.imports);
}

async function hasLock(files: ProjectFiles): Promise<boolean> {
  return (await files.list("")).some(({ path }) => isLockFile(path));
}

/** Returns whether a file is the lock of a package manager, by its name. */
export function isLockFile(name: string): boolean {
  return LOCK_FILES.has(name);
}

const LOCK_FILES = new Set([
  "package-lock.json",
  "npm-shrinkwrap.json",
  "pnpm-lock.yaml",
  "yarn.lock",
  "bun.lock",
  "bun.lockb",
  "deno.lock",
]);

/** Joins the settings of the project's files and those that are given, which come first. */
function mergedSettings({ packageJson, denoJson }: Configuration, given: BuildSettings): BuildSettings {
  const own = {
    ...settingsOf(packageJson ?? {}, "package.json"),
    ...denoJson && settingsOf(denoJson.value, denoJson.file),
  };
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as BuildSettings;
  checkSettings(set, (name) => name);
  return { ...own, ...set, env: { ...own.env, ...set.env }, labels: { ...own.labels, ...set.labels } };
}

/** Lists all files of a folder. */
async function allFiles(files: ProjectFiles, folder: string): Promise<ProjectFile[]> {
  const found: ProjectFile[] = [];
  for (const file of await files.list(folder)) {
    if (file.type === "directory") found.push(...await allFiles(files, file.path));
    else found.push(file);
  }
  return found;
}
