import { isObject, jsonObject, lazy } from "../io/mod.ts";
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

  /** Lists the files and links of an installed package, without the packages in folders of their own inside of it. */
  async list({ folder, manifest }: InstalledPackage): Promise<ProjectFile[]> {
    const bundled = manifest.bundleDependencies ?? manifest.bundledDependencies;
    const names = Array.isArray(bundled)
      ? bundled
      : bundled === true && isObject(manifest.dependencies)
      ? Object.keys(manifest.dependencies)
      : [];
    const found: ProjectFile[] = [];
    const walk = async (at: string): Promise<void> => {
      for (const file of await this.#files.list(at)) {
        if (file.type !== "directory") found.push(file);
        else if (at !== folder || !file.path.endsWith("/node_modules")) await walk(file.path);
        else if (names.length > 0) await walk(file.path);
      }
    };
    await walk(folder);
    return found.filter(({ path }) => !path.slice(folder.length).includes("/node_modules/."));
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
        // pnpm and Bun keep each package in a node_modules of its own.
        if (name === ".pnpm" || name === ".bun") {
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
