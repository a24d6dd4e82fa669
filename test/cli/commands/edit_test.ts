import { assert, assertEquals } from "@std/assert";
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { describe, it } from "node:test";
import { randomImage, randomIndex } from "../../../src/image/mod.ts";
import { changeImage } from "../../../src/mutate/mod.ts";
import { inWorld, type World } from "../../make/command_world.ts";

const app = "registry.example.com/app";

/** An editor that replaces some text of the file. */
function editor(world: World, from: string, to: string): { answers: string[]; environment: { EDITOR: string } } {
  const script = world.write("editor.sh", `sed 's|${from}|${to}|' "$1" > "$1.new" && mv "$1.new" "$1"\n`);
  return { answers: [], environment: { EDITOR: `sh ${script}` } };
}

/** The path that a message ends with; the file is removed after the test has looked at it. */
function kept(message: string, look: (path: string) => void): void {
  const path = /saved in (\S+)\n/.exec(message)?.[1];
  assert(path !== undefined && existsSync(path), message);
  try {
    look(path);
  } finally {
    rmSync(dirname(path), { recursive: true });
  }
}

describe("gcrane edit config", () => {
  it("lets the config be edited in $EDITOR", () =>
    inWorld(async (world) => {
      await world.push(changeImage(randomImage(), { author: "me" }), `${app}:v1`);
      const before = await world.data(`config ${app}:v1`);
      world.requests.length = 0;
      const pushed = await world.data(`edit config ${app}:v1 -t ${app}:v2`, editor(world, '"me"', '"you"'));
      assertEquals(world.requests.filter((request) => /^PUT .*\/blobs\//.test(request)).length, 1);
      assertEquals(pushed, await world.data(`digest --full-ref ${app}:v2`));
      assertEquals(await world.data(`config ${app}:v2`), before.replace('"me"', '"you"').trimEnd());
      assertEquals(await world.data(`config ${app}:v1`), before);
      assertEquals(await world.data(`validate ${app}:v2`), `PASS: ${app}:v2\n`);
    }));

  it("takes it from standard input where that is no terminal", () =>
    inWorld(async (world) => {
      await world.push(randomImage(), `${app}:v1`);
      const stdin = JSON.stringify({ ...JSON.parse(await world.data(`config ${app}:v1`)), author: "me" });
      const pushed = await world.data(`edit config ${app}:v1`, { stdin });
      assert(pushed.startsWith(`${app}@sha256:`), pushed);
      assertEquals(await world.data(`config ${pushed.trim()}`), stdin);
    }));

  it("keeps what is no JSON in a file, and pushes nothing", () =>
    inWorld(async (world) => {
      await world.push(changeImage(randomImage(), { author: "me" }), `${app}:v1`);
      world.requests.length = 0;
      const { code, out, err } = await world.gcrane(`edit config ${app}:v1`, editor(world, '"me"', "me"));
      assertEquals([code, out], [1, ""]);
      assert(/^Error: the edited config is not JSON: .* — the text is saved in .*\n$/.test(err), err);
      kept(err, (path) => {
        assert(readFileSync(path, "utf8").includes(":me"));
        assertEquals(statSync(path).mode & 0o777, 0o600);
      });
      assertEquals(world.requests.filter((request) => /^(POST|PUT) /.test(request)), []);
    }));

  it("keeps the text when it can't be pushed, or does not fit the layers", () =>
    inWorld(async (world) => {
      await world.push(randomImage({ layers: 2 }), `${app}:v1`);
      const { code, err } = await world.gcrane(`edit config ${app}:v1`, { stdin: "{}" });
      assertEquals(code, 1);
      kept(err, (path) => assertEquals(readFileSync(path, "utf8"), "{}"));
    }));

  for (
    const [options, code, message] of [
      [{ stdin: " \n" }, 2, "the edited config is empty — nothing was changed"],
      [
        { answers: [], environment: { EDITOR: "false" } },
        1,
        "the editor false ended with exit code 1 — nothing was changed",
      ],
      [
        { answers: [], environment: { EDITOR: "/no/such/editor -w" } },
        2,
        "there is no editor /no/such/editor -w — set EDITOR to one, or give the new text on standard input",
      ],
    ] as const
  ) {
    it(`changes nothing: ${message}`, () =>
      inWorld(async (world) => {
        await world.push(randomImage(), `${app}:v1`);
        world.requests.length = 0;
        const result = await world.gcrane(`edit config ${app}:v1`, {
          ...options,
          answers: "answers" in options ? [] : undefined,
        });
        assertEquals([result.code, result.out, result.err.split("\n")[0]], [code, "", `Error: ${message}`]);
        assertEquals(world.requests.filter((request) => /^(POST|PUT) /.test(request)), []);
      }));
  }

  it("wants one image of an index", () =>
    inWorld(async (world) => {
      await world.push(randomIndex({ images: 2 }), `${app}:v1`);
      const { code, err } = await world.gcrane(`edit config ${app}:v1`, { stdin: "{}" });
      assertEquals([code, err.split("\n")[0]], [
        2,
        `Error: ${app}:v1 is an index, which has no config — choose one of its images with --platform`,
      ]);
    }));
});

describe("gcrane edit manifest", () => {
  it("lets the manifest of an index be edited in $EDITOR", () =>
    inWorld(async (world) => {
      await world.push(randomIndex({ images: 2 }), `${app}:v1`);
      const before = await world.data(`manifest ${app}:v1`);
      const edit = editor(world, '"schemaVersion":2', '"schemaVersion":2,"annotations":{"a":"b"}');
      const pushed = await world.data(`edit manifest ${app}:v1`, edit);
      const after = JSON.parse(await world.data(`manifest ${pushed.trim()}`));
      assertEquals(after, { ...JSON.parse(before), annotations: { a: "b" } });
      assertEquals(await world.data(`manifest ${app}:v1`), before);
    }));

  it("takes it from standard input, with the media type that is asked for", () =>
    inWorld(async (world) => {
      await world.push(randomImage(), `${app}:v1`);
      const { mediaType: _, ...rest } = JSON.parse(await world.data(`manifest ${app}:v1`));
      const stdin = JSON.stringify(rest);
      const type = "application/vnd.docker.distribution.manifest.v2+json";
      const pushed = await world.data(`edit manifest ${app}:v1 -m ${type} -t ${app}:v2`, { stdin });
      assertEquals(pushed, await world.data(`digest --full-ref ${app}:v2`));
      assertEquals(await world.data(`manifest ${app}:v2`), stdin);
      const response = await world.fetch(`https://registry.example.com/v2/app/manifests/v2`);
      assertEquals(response.headers.get("content-type"), type);
      await response.body?.cancel();
    }));

  it("keeps the text when it can't be pushed", () =>
    inWorld(async (world) => {
      await world.push(randomImage(), `${app}:v1`);
      const digest = `sha256:${"0".repeat(64)}`;
      const manifest = JSON.parse(await world.data(`manifest ${app}:v1`));
      const stdin = JSON.stringify({ ...manifest, config: { ...manifest.config, digest } });
      const { code, out, err } = await world.gcrane(`edit manifest ${app}:v1`, { stdin });
      assertEquals([code, out], [1, ""]);
      assert(err.includes("the edited manifest is saved in "), err);
      kept(err, (path) => assertEquals(readFileSync(path, "utf8"), stdin));
    }));
});
