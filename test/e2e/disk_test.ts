import { assertEquals, assertMatch } from "@std/assert";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { push } from "../../src/crane/mod.ts";
import { randomImage } from "../../src/image/mod.ts";
import { type RegistryServer, serveRegistry } from "../../src/registry/mod.ts";
import { programWords } from "../make/processes.ts";
import { inPlace, type Place } from "../make/process_place.ts";

let registry: RegistryServer;
let host: string;
const image = randomImage({ seed: 1, size: 1_500_000, layers: 2 });

before(async () => {
  registry = await serveRegistry();
  host = new URL(registry.url).host;
  await push(image, `${host}/app:v1`);
});
after(() => registry.shutdown());

/** What runs a program where it may mount things, which are gone when it ends. */
const namespace = ["unshare", "--user", "--map-root-user", "--mount"];
const mounts = spawnSync(namespace[0], [...namespace.slice(1), "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0;
const skip = mounts ? false : "not applicable: nothing may be mounted here";

/** Runs a line with a small disk of its own as `./disk`, and gives what is left there in the end. */
async function onDisk(
  place: Place,
  options: string,
  line: string,
): Promise<{ code: number; out: string; err: string; left: string[] }> {
  mkdirSync(place.path("disk"), { recursive: true });
  const script = `mount -t tmpfs none disk && mkdir disk/tmp && mount -o remount,${options} disk
    "$@" 2>err; code=$?; echo; find disk -type f; exit $code`;
  const words = [...namespace, "sh", "-c", script, "sh", ...programWords("cli/main.ts"), ...line.split(" ")];
  const child = spawn(words[0], words.slice(1), {
    cwd: place.folder,
    env: { ...process.env, ...place.env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (chunk) => out += chunk);
  const [code] = await once(child, "close");
  const err = spawnSync("cat", ["err"], { cwd: place.folder, encoding: "utf8" }).stdout;
  const [printed, left] = out.split(/\n(?=(?:disk\/.*\n)*$)/);
  return { code, out: printed, err, left: (left ?? "").split("\n").filter(Boolean) };
}

const full = "no space left on device — free some space, or choose another place";
const readOnly = "read-only file system — choose a place that can be written to";

describe("a disk", { skip }, () => {
  for (const [options, words] of [["size=1m", full], ["ro", readOnly]]) {
    for (
      const [line, what] of [
        ["pull APP disk/app.tar", "can't write the tarball disk/app.tar"],
        ["export APP disk/files.tar", "can't write disk/files.tar"],
        ["append -b APP -f src.tar -t app:v2 -o disk/app.tar", "can't write the tarball disk/app.tar"],
      ]
    ) {
      it(`that is ${options === "ro" ? "read-only" : "full"} is an error, and nothing is left: ${line}`, () =>
        inPlace(async (place) => {
          await place.data(`export ${host}/app:v1 src.tar`);
          const { code, out, err, left } = await onDisk(place, options, line.replace("APP", `${host}/app:v1`));
          assertEquals([code, out, err, left], [1, "", `Error: ${what}: ${words}\n`, []]);
        }));
    }

    it(`that is ${options === "ro" ? "read-only" : "full"} gets no layout, or one that lists nothing`, () =>
      inPlace(async (place) => {
        const { code, out, err, left } = await onDisk(place, options, `pull --format oci ${host}/app:v1 disk/layout`);
        assertEquals([code, out], [1, ""]);
        assertMatch(err, new RegExp(`^Error: can't [^\n]*disk/layout[^\n]*: ${words}\n$`));
        assertEquals(left.filter((path) => /tmp/.test(path)), []);
      }));
  }

  it("that is full keeps no layers between pulls, but the pull succeeds", () =>
    inPlace(async (place) => {
      const { code, out, err, left } = await onDisk(place, "size=1m", `pull -c disk/cache ${host}/app:v1 app.tar`);
      assertEquals([code, out], [0, ""]);
      assertMatch(err, /^(Warning: [^\n]*no space left on device[^\n]*\n)+$/i);
      assertEquals(left, []);
      assertEquals(await place.data("validate --tarball app.tar"), "PASS: app.tar\n");
    }));

  it("that is full of temporary files is an error that says where they would go", () =>
    inPlace(async (place) => {
      await place.data(`export ${host}/app:v1 src.tar`);
      place.env.TMPDIR = "disk/tmp";
      const { code, out, err, left } = await onDisk(place, "size=1m", "append -f src.tar -t app:v1 -o app.tar");
      assertEquals([code, out, left], [1, "", []]);
      assertEquals(
        err,
        "Error: can't keep a layer in disk/tmp: no space left on device — set TMPDIR to a directory with enough space\n",
      );
      assertEquals(existsSync(place.path("app.tar")), false);
    }));
});

describe("/dev/full", () => {
  it("takes nothing, and stays", () =>
    inPlace(async (place) => {
      writeFileSync(place.path("kept"), "");
      await place.fails(`export ${host}/app:v1 /dev/full`, /^Error: can't write \/dev\/full: no space left on device/);
      await place.fails(
        `pull ${host}/app:v1 /dev/full`,
        /^Error: can't write the tarball \/dev\/full: no space left on device/,
      );
      assertEquals(existsSync("/dev/full"), true);
    }));
});
