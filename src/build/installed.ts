import { jsonObject, lazy } from "../io/mod.ts";
import type { LockedPackage } from "./locked_package.ts";
import type { ProjectFile, ProjectFiles } from "./project_files.ts";

/** A folder of node_modules with a package. */
export interface InstalledPackage {
  /** The folder, relative to the project. */
  readonly folder: string;
  /** Its package.json. */
  readonly manifest: Readonly<Record<string, unknown>>;
}

/** Finds packages in the node_modules of a project, in the places of any package manager. */
export class InstalledPackages {
  readonly #files: ProjectFiles;
  /** The folders by `name@version`. */
  readonly #all = lazy(() => this.#index());

  constructor(files: ProjectFiles) {
    this.#files = files;
  }

  /** Returns the folder of a package with its version; `undefined` if it is not installed. */
  async find({ name, version, paths }: LockedPackage): Promise<InstalledPackage | undefined> {
    for (const folder of paths) {
      const manifest = await this.#manifest(folder);
      if (manifest?.name === name && manifest.version === version) return { folder, manifest };
    }
    const folder = (await this.#all()).get(`${name}@${version}`);
    const manifest = folder === undefined ? undefined : await this.#manifest(folder);
    return folder === undefined || manifest === undefined ? undefined : { folder, manifest };
  }

  async #manifest(folder: string): Promise<Record<string, unknown> | undefined> {
    const bytes = await this.#files.read(`${folder}/package.json`);
    return bytes && jsonObject(new TextDecoder().decode(bytes));
  }

  async #index(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    const visit = async (folder: string): Promise<void> => {
      for (const { path, type } of await this.#files.list(folder)) {
        if (type !== "directory") continue;
        const name = path.slice(folder.length + 1);
        // pnpm, Bun and Deno keep each package in a node_modules of its own.
        if (name === ".pnpm" || name === ".bun" || name === ".deno") {
          for (const { path: store } of await this.#files.list(path)) await visit(`${store}/node_modules`);
        } else if (name.startsWith("@")) await visit(path);
        else if (!name.startsWith(".")) await add(path);
      }
    };
    const add = async (folder: string): Promise<void> => {
      const manifest = await this.#manifest(folder);
      if (manifest === undefined) return;
      const id = `${manifest.name}@${manifest.version}`;
      if (!found.has(id)) found.set(id, folder);
      await visit(`${folder}/node_modules`);
    };
    await visit("node_modules");
    return found;
  }
}

/**
 * Lists the files and links of an installed package, without the packages in folders of their own inside of it. Their
 * paths are relative to its folder.
 */
export async function listInstalled(
  { folder, manifest }: InstalledPackage,
  files: ProjectFiles,
): Promise<ProjectFile[]> {
  const bundled = manifest.bundleDependencies ?? manifest.bundledDependencies;
  const hasBundled = bundled === true || (Array.isArray(bundled) && bundled.length > 0);
  const found: ProjectFile[] = [];
  const walk = async (at: string): Promise<void> => {
    for (const file of await files.list(at)) {
      const path = file.path.slice(folder.length + 1);
      if (file.type === "directory") {
        if (path !== "node_modules" || hasBundled) await walk(file.path);
      } else if (!`/${path}`.includes("/node_modules/.")) found.push({ ...file, path });
    }
  };
  await walk(folder);
  return found;
}
