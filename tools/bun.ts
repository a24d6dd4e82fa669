// The executables of Bun that ours are made of. Bun itself would download them from elsewhere; its packages on npm hold
// the same files.

import { createHash } from "node:crypto";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { readTar } from "../src/tar/mod.ts";

const run = promisify(execFile);

/** The version of Bun that the suite runs on, and that executables contain. */
export const BUN_VERSION = "1.4.5";

/** A kind of machine that has an executable. */
export interface Platform {
  /** The name in our files: `linux-x64`. */
  readonly name: string;
  /** The package of npm that has Bun for it. `@oven/bun-linux-x64` has the target `bun-linux-x64`. */
  readonly package: string;
  /** The digest of this package in {@linkcode BUN_VERSION}, as `npm view PACKAGE@VERSION dist.integrity` prints it. */
  readonly integrity: string;
  /** The format of its executables, as `formatOf` returns it. */
  readonly format: string;
}

/**
 * The platforms of a release. The x64 executables need SSE4.2 alone: Bun selects the code for AVX2 when it runs, and its
 * baseline packages hold the same bytes.
 */
export const platforms: readonly Platform[] = [
  {
    name: "linux-x64",
    package: "@oven/bun-linux-x64",
    integrity: "sha512-IWX9BELoGHAUtMonkeSaNaZwXzRk+oDw6Mk+HBFXd3KHYIBNBsIGRupMZPcgNoDbJpLu6gAJjIoIVPZtt1aJ1g==",
    format: "ELF x64 /lib64/ld-linux-x86-64.so.2",
  },
  {
    name: "linux-arm64",
    package: "@oven/bun-linux-aarch64",
    integrity: "sha512-4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==",
    format: "ELF arm64 /lib/ld-linux-aarch64.so.1",
  },
  {
    name: "linux-x64-musl",
    package: "@oven/bun-linux-x64-musl",
    integrity: "sha512-10QoW/YfTgnURaGEaHpJCiXjLI2e5iTtfVDaA5JKcyUzaa1cq6cVUY9/Uq5XkYzvtRjHLRe9Oj/lTDIQcxy8HQ==",
    format: "ELF x64 /lib/ld-musl-x86_64.so.1",
  },
  {
    name: "linux-arm64-musl",
    package: "@oven/bun-linux-aarch64-musl",
    integrity: "sha512-XCNc+WvvMAdNNb+OWTogpy+N9wm62fkVeEVLb6how0RZhW5LPi6c7BlkeVCuWps7XjEl2saFpHFa20/1E+PAHg==",
    format: "ELF arm64 /lib/ld-musl-aarch64.so.1",
  },
  {
    name: "macos-x64",
    package: "@oven/bun-darwin-x64",
    integrity: "sha512-qkLPMGHZM9NI6CeHTWwVezzmlo6cC4Ta7yUAjYIWXS366qQcOlcp75t2uZyiuVRBMPS0h9qE0tCcvCHGaFqjJg==",
    format: "Mach-O x64",
  },
  {
    name: "macos-arm64",
    package: "@oven/bun-darwin-aarch64",
    integrity: "sha512-4MIFXHmctH2EhAxLXm2/qxNtv17dFtLJylvaOCsrgq6KSqHTs6eW5YSrJjRbJxYUJaR901fsN8JfZOa+CsWpWQ==",
    format: "Mach-O arm64",
  },
  {
    name: "windows-x64",
    package: "@oven/bun-windows-x64",
    integrity: "sha512-FNvply651vcE/GHgNWz6mZvhmkwBuu8Hw54oNzA+CQog+HW+542rXQmZqNHRkFxazD9L3xi+iTtvO3engAgJfw==",
    format: "PE x64",
  },
];

/** Returns the platform of this machine. A Linux is taken for one with glibc, which Deno needs. */
export function hostPlatform(): Platform {
  const systems: Partial<Record<NodeJS.Platform, string>> = { darwin: "macos", win32: "windows" };
  const name = `${systems[process.platform] ?? process.platform}-${process.arch}`;
  const platform = platforms.find((platform) => platform.name === name);
  if (platform === undefined) throw new Error(`executables can't be made on ${name}: Bun has no package for it`);
  return platform;
}

/** Fetches Bun's executable for a platform from npm, checks its digest, and returns its bytes. */
export async function fetchBun(platform: Platform, folder: string): Promise<Uint8Array<ArrayBuffer>> {
  const name = `${platform.package}@${BUN_VERSION}`;
  const args = ["pack", "--json", "--prefer-offline", `--pack-destination=${folder}`, name];
  const [{ filename }] = JSON.parse((await run("npm", args, { maxBuffer: 2 ** 26 })).stdout);
  const packed = new Uint8Array(await readFile(join(folder, filename)));
  return await executableOf(packed, platform);
}

/** Takes the executable out of a package's tarball, if it has the digest of the platform's. */
export async function executableOf(
  packed: Uint8Array<ArrayBuffer>,
  platform: Pick<Platform, "package" | "integrity">,
): Promise<Uint8Array<ArrayBuffer>> {
  const integrity = `sha512-${createHash("sha512").update(packed).digest("base64")}`;
  if (integrity !== platform.integrity) {
    throw new Error(
      `${platform.package} has the digest ${integrity}, and tools/bun.ts ${platform.integrity} for Bun ${BUN_VERSION}`,
    );
  }
  for await (const entry of readTar(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip")))) {
    if (/^package\/bin\/bun(\.exe)?$/.test(entry.path)) return await entry.bytes({ limit: 2 ** 28 });
  }
  throw new Error(`${platform.package} has no file bin/bun`);
}
