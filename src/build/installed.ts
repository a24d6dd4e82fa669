import { jsonObject, lazy } from "../io/mod.ts";
import type { LockedPackage } from "./locked_package.ts";
import { compareTexts } from "./locks/fields.ts";
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

/** Returns whether the node_modules in a package's folder belongs to the package. */
export function hasBundled({ bundleDependencies, bundledDependencies }: InstalledPackage["manifest"]): boolean {
  const bundled = bundleDependencies ?? bundledDependencies;
  return bundled === true || (Array.isArray(bundled) && bundled.length > 0);
}

/**
 * Lists the files and links in the folder of an installed package, sorted by path, without the packages that have
 * folders of their own inside of it unless they belong to it.
 */
export async function* listInstalled(
  files: ProjectFiles,
  folder: string,
  options: { readonly hasBundled: boolean },
): AsyncGenerator<ProjectFile> {
  const left = await listReversed(files, folder);
  for (let file = left.pop(); file !== undefined; file = left.pop()) {
    const path = file.path.slice(folder.length + 1);
    if (file.type === "directory") {
      if (path === "node_modules" && !options.hasBundled) continue;
      for (const each of await listReversed(files, file.path)) left.push(each);
    } else if (!`/${path}`.includes("/node_modules/.")) yield { ...file, path };
  }
}

/** Lists a folder in the reverse order of the paths in it: those in the folder `a` follow a file `a.js`. */
async function listReversed(files: ProjectFiles, folder: string): Promise<ProjectFile[]> {
  const key = ({ path, type }: ProjectFile) => type === "directory" ? `${path}/` : path;
  return [...await files.list(folder)].sort((a, b) => compareTexts(key(b), key(a)));
}
