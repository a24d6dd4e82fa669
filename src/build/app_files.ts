import { BuildError } from "../errors.ts";
import { formatBytes } from "../io/mod.ts";
import { type Globs, globs } from "./globs.ts";
import { checkLinks } from "./links.ts";
import type { ProjectFile, ProjectFiles } from "./project_files.ts";
import { isSecret } from "./secrets.ts";

/** What belongs to version control, package managers and builds of images: it stays out unless an include names it. */
const LEFT_OUT = [
  "node_modules",
  ".git",
  ".hg",
  ".svn",
  ".gitignore",
  ".gitattributes",
  ".DS_Store",
  "Dockerfile",
  ".dockerignore",
  "Containerfile",
  ".package-lock.json",
  ".modules.yaml",
  ".yarn-state.yml",
  ".yarn",
  ".pnp.cjs",
  ".pnp.loader.mjs",
  ".pnpm-store",
  "*.log",
  "package-lock.json",
  "npm-shrinkwrap.json",
  "pnpm-lock.yaml",
  "pnpm-workspace.yaml",
  "yarn.lock",
  "bun.lock",
  "bun.lockb",
];

/** Files that the runtime reads beside the app; an include need not name them. */
const ALWAYS = new Set(["package.json", "deno.json", "deno.jsonc", "deno.lock"]);

/** A larger file is a mistake more often than not, such as a dump of a database. */
const LARGEST = 4 * 1024 ** 3;

/** Options of {@linkcode appFiles}. */
export interface AppFilesOptions {
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  /** Folders whose files go elsewhere: workspaces, vendored packages. */
  readonly apart?: readonly string[];
  /** Whether the folder is what a build made, in which node_modules belongs to the app. */
  readonly bundle?: boolean;
  /** Called with a message for the user on a file that is left out. */
  readonly onWarning?: (message: string) => void;
}

/**
 * Lists the files and links of the app in a project or in one of its folders, sorted by path.
 *
 * @throws {BuildError} if an include matches a secret without naming it, a file is too large, or a link leads out.
 */
export async function appFiles(
  files: ProjectFiles,
  folder: string,
  options: AppFilesOptions = {},
): Promise<ProjectFile[]> {
  const found = await new Selection(files, folder, options).below(folder);
  checkLinks(found);
  return found.sort((a, b) => a.path < b.path ? -1 : 1);
}

class Selection {
  readonly #files: ProjectFiles;
  /** The length of what precedes the paths that globs are about. */
  readonly #start: number;
  readonly #options: AppFilesOptions;
  readonly #include: Globs | undefined;
  readonly #exclude: Globs;
  readonly #leftOut: Globs;
  readonly #apart: ReadonlySet<string>;

  constructor(files: ProjectFiles, folder: string, options: AppFilesOptions) {
    const { include = [], exclude = [], apart = [], bundle = false } = options;
    this.#files = files;
    this.#start = folder === "" ? 0 : folder.length + 1;
    this.#options = options;
    this.#include = include.length > 0 ? globs(include) : undefined;
    this.#exclude = globs(exclude);
    const named = new Set(include.flatMap((pattern) => pattern.split("/")));
    const leftOut = bundle ? LEFT_OUT.filter((name) => name !== "node_modules") : LEFT_OUT;
    this.#leftOut = globs(leftOut.filter((name) => !named.has(name)));
    this.#apart = new Set(apart);
  }

  async below(folder: string): Promise<ProjectFile[]> {
    const found: ProjectFile[] = [];
    for (const file of await this.#files.list(folder)) {
      const path = file.path.slice(this.#start);
      if (this.#apart.has(file.path) || this.#exclude.matches(path) || this.#leftOut.matches(path)) continue;
      if (file.type === "directory") found.push(...await this.below(file.path));
      else if (this.#goesIn(path, file.size)) found.push(file);
    }
    return found;
  }

  #goesIn(path: string, size: number): boolean {
    const isIncluded = this.#include?.matches(path) ?? true;
    const isNamed = this.#include?.names(path) ?? false;
    if (!isIncluded && !ALWAYS.has(path)) return false;
    if (isSecret(path) && !isNamed) {
      if (this.#include) {
        throw new BuildError(`the include matches ${path}, which may hold secrets`, {
          hint: `exclude it, or name it: --include ${path}`,
        });
      }
      this.#options.onWarning?.(`${path} stays out of the image: it may hold secrets`);
      return false;
    }
    if (size > LARGEST && !isNamed) {
      throw new BuildError(`${path} has ${formatBytes(size)}, more than the ${formatBytes(LARGEST)} of a usual file`, {
        hint: `exclude it, or name it: --include ${path}`,
      });
    }
    return true;
  }
}
