// Makes the executables of the command line, one for each platform, with Bun inside.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { fetchBun, hostPlatform, type Platform } from "./bun.ts";
import { formatOf } from "./executable.ts";
import { checkMachOSignature, signMachO } from "./mach_o.ts";
import { notices } from "./notices.ts";
import { withStage } from "./stage.ts";

const run = promisify(execFile);

/** The most bytes of an executable: Bun is 90 to 115 MB of them. */
const LARGEST = 130_000_000;

/** The files beside the executables: what an executable contains, and the digests. */
export const BESIDE = ["LICENSE", "THIRD_PARTY_NOTICES", "SHA256SUMS"];

/** An executable of a release. */
export interface Binary {
  readonly platform: Platform;
  /** Where the file is. */
  readonly path: string;
}

/** Makes executables of a version in a folder, beside their digests, the licence and notices. */
export async function makeBinaries(
  top: string,
  version: string,
  folder: string,
  wanted: readonly Platform[],
): Promise<Binary[]> {
  mkdirSync(folder, { recursive: true });
  const binaries = await withStage(top, version, async (stage) => {
    const bun = await writeBun(hostPlatform(), join(stage, "dist"));
    await run(bun, ["install", "--frozen-lockfile", "--silent"], { cwd: stage });
    writeFileSync(join(folder, "LICENSE"), readFileSync(join(stage, "LICENSE")));
    writeFileSync(join(folder, "THIRD_PARTY_NOTICES"), notices(stage, "executable"));
    const made: Binary[] = [];
    for (const platform of wanted) made.push(await makeBinary(stage, { bun, platform, folder }));
    return made;
  });
  const sums = binaries.map(({ path }) => {
    const digest = createHash("sha256").update(readFileSync(path)).digest("hex");
    return `${digest}  ${path.slice(folder.length + 1)}\n`;
  });
  writeFileSync(join(folder, "SHA256SUMS"), sums.join(""));
  return binaries;
}

/** Writes Bun's executable for a platform into a folder of its own, and returns its path. */
async function writeBun(platform: Platform, folder: string): Promise<string> {
  const place = join(folder, `bun-${platform.name}`);
  const path = join(place, "bun");
  if (existsSync(path)) return path;
  mkdirSync(place, { recursive: true });
  writeFileSync(path, await fetchBun(platform, place), { mode: 0o755 });
  return path;
}

/** Makes one executable, with the command of package.json. */
async function makeBinary(
  stage: string,
  { bun, platform, folder }: { bun: string; platform: Platform; folder: string },
): Promise<Binary> {
  const path = join(folder, `gcrane-${platform.name}${platform.format.startsWith("PE") ? ".exe" : ""}`);
  const [, ...words] = JSON.parse(readFileSync(join(stage, "package.json"), "utf8")).scripts.build.split(" ");
  const base = await writeBun(platform, join(stage, "dist"));
  const target = [`--target=${platform.package.replace("@oven/", "")}`, `--compile-executable-path=${base}`];
  await run(bun, [...words.map((word: string) => word === "dist/gcrane" ? path : word), ...target], { cwd: stage });
  if (platform.format === "Mach-O x64") writeFileSync(path, signMachO(readFileSync(path), "gcrane"));
  chmodSync(path, 0o755);
  return { platform, path };
}

/** Returns what is wrong with an executable's format, size and signature. */
export function faultsOfBinary({ path, platform }: Binary): string[] {
  const bytes = readFileSync(path);
  const faults: string[] = [];
  const format = formatOf(bytes);
  if (format !== platform.format) faults.push(`${path} is ${format}, and not ${platform.format}`);
  if (bytes.length > LARGEST) faults.push(`${path} has ${bytes.length} bytes, more than ${LARGEST}`);
  if (format.startsWith("Mach-O")) {
    try {
      checkMachOSignature(bytes);
    } catch (error) {
      faults.push(`${path}: ${(error as Error).message}`);
    }
  }
  return faults;
}
