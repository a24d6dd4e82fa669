import { assertEquals, assertStringIncludes } from "@std/assert";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { promisify } from "node:util";
import { openLayout } from "../../src/layout/mod.ts";
import { selectImage } from "../../src/image/mod.ts";
import { type Binary, faultsOfBinary, makeBinaries } from "../../tools/binaries.ts";
import { hostPlatform, platforms } from "../../tools/bun.ts";
import { checkImage, makeImage } from "../../tools/image.ts";
import { signMachO } from "../../tools/mach_o.ts";
import { tryCommand } from "../../tools/trial.ts";
import { withFolder } from "../make/gcrane_process.ts";
import { peerIt } from "../peers/mod.ts";
import { top } from "../project/tree.ts";

const run = promisify(execFile);
const VERSION = "1.2.3-test.1";

describe("executables", { skip: "Deno" in globalThis ? false : "Deno makes them" }, () => {
  peerIt(
    "and the image of a release run, or are for another machine",
    ["npm", "apt-get", "dpkg-deb", "unshare", "chroot"],
    () =>
      withFolder(async (folder) => {
        const names = new Set([hostPlatform().name, "linux-x64", "linux-arm64", "macos-arm64"]);
        const wanted = platforms.filter(({ name }) => names.has(name));
        const bin = join(folder, "bin");
        const binaries = await makeBinaries(top, VERSION, bin, wanted);
        assertEquals(
          readdirSync(bin).sort(),
          ["LICENSE", "SHA256SUMS", "THIRD_PARTY_NOTICES", ...wanted.map(({ name }) => `gcrane-${name}`)].sort(),
        );
        const { stdout } = await run("sha256sum", ["--check", "SHA256SUMS"], { cwd: bin });
        assertEquals(stdout, wanted.map(({ name }) => `gcrane-${name}: OK\n`).join(""));
        const notices = readFileSync(join(bin, "THIRD_PARTY_NOTICES"), "utf8");
        for (const name of ["Bun", "hono", "jose", "@noble/hashes"]) {
          assertStringIncludes(notices, `This executable contains ${name}`);
        }

        assertEquals(binaries.flatMap(faultsOfBinary), []);
        const [one, other] = binaries;
        const swapped: Binary = { path: one.path, platform: other.platform };
        assertEquals(faultsOfBinary(swapped), [
          `${one.path} is ${one.platform.format}, and not ${other.platform.format}`,
        ]);
        const host = binaries.find(({ platform }) => platform === hostPlatform())!;
        await tryCommand([host.path], VERSION, { cwd: folder });

        // Bun's own signature has this identifier.
        const signed = readFileSync(binaries.find(({ platform }) => platform.name === "macos-arm64")!.path);
        assertEquals(signed.equals(signMachO(signed, "a.out")), true);

        const layout = join(folder, "image");
        await makeImage(layout, { version: VERSION, binaries, created: new Date("2026-01-02T03:04:05Z") });
        await checkImage(layout, VERSION);
        const listed = (await openLayout(layout)).index();
        for (const architecture of ["amd64", "arm64"]) {
          const { config, created } = await (await selectImage(listed, `linux/${architecture}`)).configFile();
          assertEquals(
            { entrypoint: config?.Entrypoint, user: config?.User, created },
            { entrypoint: ["/usr/local/bin/gcrane"], user: "65532:65532", created: "2026-01-02T03:04:05Z" },
          );
          assertEquals(config?.Env, ["PATH=/usr/local/bin", "HOME=/home/nonroot"]);
          assertEquals(config?.Labels?.["org.opencontainers.image.version"], VERSION);
        }
      }),
    { timeout: 300_000 },
  );
});
