import { assertEquals, assertMatch } from "@std/assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { push } from "../../src/crane/mod.ts";
import { randomImage } from "../../src/image/mod.ts";
import { type RegistryServer, serveRegistry } from "../../src/registry/mod.ts";
import { programWords } from "../make/processes.ts";
import { inPlace, type Place } from "../make/process_place.ts";

let registry: RegistryServer;
let host: string;
const image = randomImage({ seed: 1, size: 3_000_000, layers: 1 });

before(async () => {
  registry = await serveRegistry();
  host = new URL(registry.url).host;
  await push(image, `${host}/app:v1`);
  for (let i = 0; i < 30; i++) await push(image, `${host}/more/${"long-name-".repeat(20)}${i}:v1`);
});
after(() => registry.shutdown());

/** Runs a script of bash in which gcrane is a command. */
async function bash(place: Place, script: string): Promise<{ code: number; out: string; err: string }> {
  const words = programWords("cli/main.ts").map((word) => `'${word}'`).join(" ");
  const child = spawn("bash", ["-c", `gcrane() { ${words} "$@"; }\n${script}`], {
    cwd: place.folder,
    env: { ...process.env, ...place.env },
  });
  const result = { code: 0, out: "", err: "" };
  child.stdout.on("data", (chunk) => result.out += chunk);
  child.stderr.on("data", (chunk) => result.err += chunk);
  [result.code] = await once(child, "close");
  return result;
}

describe("a pipe", () => {
  for (
    const line of [
      "export HOST/app:v1",
      "pull HOST/app:v1 -",
      "blob HOST/app@DIGEST",
      "catalog --full-ref HOST",
      "manifest HOST/app:v1",
    ]
  ) {
    it(`whose reader has enough is no failure: ${line}`, () =>
      inPlace(async (place) => {
        const words = line.replace("HOST", host).replace("DIGEST", await (await image.layers())[0].digest());
        const { out, err } = await bash(place, `gcrane ${words} | head -c 3 | wc -c; echo "\${PIPESTATUS[0]}"`);
        assertEquals([out.trim().split(/\s+/), err], [["3", "0"], ""]);
      }));
  }

  it("carries a tarball from one gcrane to the other", () =>
    inPlace(async (place) => {
      const { code, out, err } = await bash(
        place,
        `set -o pipefail
         gcrane pull ${host}/app:v1 - | gcrane push - ${host}/piped:v1
         gcrane export ${host}/app:v1 | gcrane append -f - -t ${host}/flat:v1
         gcrane append -f <(gcrane export ${host}/app:v1) -t ${host}/flat:v2
         gcrane validate ${host}/piped:v1 ${host}/flat:v1 ${host}/flat:v2`,
      );
      assertEquals([code, err], [0, ""]);
      assertMatch(
        out,
        /piped@sha256:.*\n.*flat@sha256:.*\n.*flat@sha256:.*\nPASS: .*piped:v1\nPASS: .*flat:v1\nPASS: .*flat:v2\n$/,
      );
    }));

  it("that can't be written to is a failure", () =>
    inPlace(async (place) => {
      for (const line of [`manifest ${host}/app:v1`, `export ${host}/app:v1`, `ls ${host}/app`, "help"]) {
        const { code, out, err } = await bash(place, `gcrane ${line} > /dev/full`);
        assertEquals([line, code, out], [line, 1, ""]);
        assertEquals(
          err,
          "Error: can't write to standard output: no space left on device — free some space, or choose another place\n",
        );
      }
    }));
});
