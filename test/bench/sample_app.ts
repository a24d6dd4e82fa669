import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { npmLock, writeFiles } from "../make/app_folder.ts";
import { Random } from "../make/random.ts";
import { top } from "../project/tree.ts";

/** How large a sample to make. */
export interface SampleAppOptions {
  readonly packages: number;
  /** The bytes of all packages. */
  readonly bytes: number;
}

/** How many files a folder of a package has. */
const FILES_IN_FOLDER = 20;

/** An app in a folder, whose packages are cut from those of this checkout. */
export class SampleApp {
  readonly folder: string;
  readonly #options: SampleAppOptions;
  readonly #versions: Record<string, string>;
  #edits = 0;

  /** Writes the app. The same options give the same files. */
  constructor(folder: string, options: SampleAppOptions) {
    this.folder = folder;
    this.#options = options;
    const names = Array.from({ length: options.packages }, (_, i) => `package-${`${i}`.padStart(3, "0")}`);
    this.#versions = Object.fromEntries(names.map((name) => [name, "1.0.0"]));
    this.#writeLock();
    const pool = poolOfTexts();
    const random = new Random(1);
    for (const [index, name] of names.entries()) this.#writePackage(name, this.#sizeOf(index), { pool, random });
    writeFiles(folder, {
      "package.json": {
        name: "sample",
        version: "1.0.0",
        main: "server.js",
        dependencies: Object.fromEntries(names.map((name) => [name, "^1.0.0"])),
      },
      ...Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`lib/module_${i}.js`, `export const at = ${i};\n`])),
    });
    this.edit();
  }

  /** Changes a file of the app. */
  edit(): void {
    writeFiles(this.folder, { "server.js": `console.log("edit ${++this.#edits}");\n` });
  }

  /** Gives one small package another version. */
  bump(): void {
    const name = Object.keys(this.#versions)[Math.floor(this.#options.packages / 2)];
    this.#versions[name] = `1.0.${++this.#edits}`;
    this.#writeLock();
    writeFiles(this.folder, { [`node_modules/${name}/package.json`]: { name, version: this.#versions[name] } });
  }

  #writeLock(): void {
    const lock = npmLock(this.#versions) as { packages: Record<string, object> };
    const dependencies = Object.fromEntries(Object.keys(this.#versions).map((name) => [name, "^1.0.0"]));
    writeFiles(this.folder, { "package-lock.json": { ...lock, packages: { ...lock.packages, "": { dependencies } } } });
  }

  /** Returns the bytes of a package: a few are large and most are small, as in real apps. */
  #sizeOf(index: number): number {
    const weight = (at: number) => 1 / (at + 1) ** 0.8;
    const { packages, bytes } = this.#options;
    const total = Array.from({ length: packages }, (_, i) => weight(i)).reduce((sum, each) => sum + each, 0);
    return bytes * weight(index) / total;
  }

  #writePackage(name: string, bytes: number, { pool, random }: { pool: Uint8Array; random: Random }): void {
    const folder = join(this.folder, "node_modules", name);
    writeFiles(folder, { "package.json": { name, version: this.#versions[name], main: "lib/part_0/file_0.js" } });
    for (let written = 0, index = 0; written < bytes; index++) {
      const size = Math.min(random.integer(500, 24_000), Math.ceil(bytes - written));
      const at = random.integer(0, pool.length - size);
      const part = join(folder, "lib", `part_${Math.floor(index / FILES_IN_FOLDER)}`);
      if (index % FILES_IN_FOLDER === 0) mkdirSync(part, { recursive: true });
      writeFileSync(join(part, `file_${index}.js`), pool.subarray(at, at + size));
      written += size;
    }
  }
}

/** Returns the texts of the packages that this checkout has installed, one after the other. */
function poolOfTexts(): Uint8Array {
  const root = join(top, "node_modules");
  const paths = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) =>
    /\.(?:[cm]?js|ts|md)$/.test(path)
  );
  const chunks = paths.sort().map((path) => readFileSync(join(root, path)));
  return new Uint8Array(Buffer.concat(chunks));
}
