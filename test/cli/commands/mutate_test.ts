import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import {
  emptyIndex,
  type Image,
  randomImage,
  randomIndex,
  validateImage,
  validateIndex,
} from "../../../src/image/mod.ts";
import { parseReference } from "../../../src/name/mod.ts";
import { Puller } from "../../../src/remote/mod.ts";
import { appendManifests, changeImage } from "../../../src/mutate/mod.ts";
import { parsePlatform } from "../../../src/spec/mod.ts";
import { writeTar } from "../../../src/tar/mod.ts";
import { imageFromTarball, tarballFile } from "../../../src/tarball/mod.ts";
import { inWorld, type World } from "../../make/command_world.ts";

const app = "registry.example.com/app";

async function imageAt(world: World, reference: string): Promise<Image> {
  return await new Puller({ fetch: world.fetch }).image(parseReference(reference.trim()));
}

async function indexAt(world: World, reference: string) {
  return await new Puller({ fetch: world.fetch }).index(parseReference(reference.trim()));
}

async function tarOf(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const files = [{ path, content: new TextEncoder().encode("content\n") }];
  return new Uint8Array(await new Response(writeTar(files)).arrayBuffer());
}

/** How many blobs were sent, and how many were downloaded. */
function moved(world: World): { sent: number; read: number } {
  const count = (pattern: RegExp) => world.requests.filter((request) => pattern.test(request)).length;
  return { sent: count(/^PUT .*\/blobs\//), read: count(/^GET .*\/blobs\//) };
}

describe("gcrane mutate", () => {
  it("sets what is asked for, and pushes by digest to the same repository", () =>
    inWorld(async (world) => {
      await world.push(randomImage({ layers: 2 }), `${app}:v1`);
      const before = await world.data(`digest ${app}:v1`);
      const words =
        `mutate ${app}:v1 -a note=a=1,b -l team=web,tier=front -l list=a,b -e PATH=/bin,x -e EMPTY= -u 1000:1
        --entrypoint /bin/app,--serve --cmd "a,b",c -w /srv --exposed-ports 80/tcp,53/udp --set-platform linux/arm/v7`;
      const pushed = await world.unmoved(words.split(/\s+/));
      assertMatch(pushed, /^registry\.example\.com\/app@sha256:[0-9a-f]{64}\n$/);
      assertEquals(await world.data(`digest ${app}:v1`), before);
      const image = await imageAt(world, pushed);
      assertEquals((await image.manifest()).annotations, { note: "a=1,b" });
      const { config, os, architecture, variant } = await image.configFile();
      assertEquals([os, architecture, variant], ["linux", "arm", "v7"]);
      assertEquals(config, {
        Labels: { team: "web", tier: "front", list: "a,b" },
        Env: ["PATH=/bin,x", "EMPTY="],
        User: "1000:1",
        Entrypoint: ["/bin/app", "--serve"],
        Cmd: ["a,b", "c"],
        WorkingDir: "/srv",
        ExposedPorts: { "53/udp": {}, "80/tcp": {} },
      });
      await validateImage(image);
    }));

  it("takes away what is asked for, and leaves the rest", () =>
    inWorld(async (world) => {
      const full = changeImage(randomImage(), {
        annotations: { old: "1", kept: "1" },
        labels: { old: "1", kept: "1" },
        env: { OLD: "1", KEPT: "1" },
        entrypoint: ["/bin/app"],
        cmd: ["x"],
        user: "1000",
        workdir: "/srv",
        exposedPorts: ["80/tcp"],
      });
      await world.push(full, `${app}:v1`);
      const line = `mutate ${app}:v1 --unset-annotation old --unset-label old --unset-env OLD --unset-entrypoint ` +
        "--unset-cmd --unset-user --unset-workdir --unset-exposed-ports";
      const image = await imageAt(world, await world.unmoved(line));
      assertEquals((await image.manifest()).annotations, { kept: "1" });
      assertEquals((await image.configFile()).config, { Labels: { kept: "1" }, Env: ["KEPT=1"] });
    }));

  it("pushes where -t or --repo says", () =>
    inWorld(async (world) => {
      await world.push(randomImage(), `${app}:v1`);
      const tagged = await world.data(`mutate ${app}:v1 -l a=b -t mirror.example.com/other:v2`);
      assertEquals(tagged, await world.data("digest --full-ref mirror.example.com/other:v2"));
      const [, digest] = tagged.split("@");
      const elsewhere = await world.data(`mutate ${app}:v1 -l a=b --repo registry.example.com/more`);
      assertEquals(elsewhere, `registry.example.com/more@${digest}`);
      assertEquals(await world.data(`mutate ${app}:v1 -l a=b -t ${elsewhere.trim()}`), elsewhere);
      assertNotEquals(digest, await world.data(`digest ${app}:v1`));
    }));

  it("moves the config and the manifest alone", () =>
    inWorld(async (world) => {
      await world.push(randomImage({ layers: 3 }), `${app}:v1`);
      world.requests.length = 0;
      await world.data(`mutate ${app}:v1 -l a=b -t ${app}:v2`);
      assertEquals(moved(world), { sent: 1, read: 1 });
      world.requests.length = 0;
      await world.data(`mutate ${app}:v1 -l a=b -t registry.example.com/other:v1`);
      // The layers are mounted.
      assertEquals(moved(world), { sent: 1, read: 1 });
    }));

  it("changes every image of an index, or the one for the platform", () =>
    inWorld(async (world) => {
      const images = ["linux/amd64", "linux/arm64", "windows/amd64"].map((platform) =>
        changeImage(randomImage(), { platform: parsePlatform(platform) })
      );
      await world.push(appendManifests(emptyIndex(), images), `${app}:v1`);
      const layer = world.write("layer.tar", await tarOf("etc/new"));
      world.requests.length = 0;
      const pushed = await world.unmoved(`mutate ${app}:v1 -l team=web --append ${layer}`);
      const index = await indexAt(world, pushed);
      const children = await index.children();
      assertEquals(children.length, 3);
      for (const { view } of children) {
        assert(view.kind === "image");
        assertEquals((await view.configFile()).config?.Labels, { team: "web" });
      }
      // Each new config once, and the new layer once for both of Linux, and once for Windows.
      assertEquals(moved(world).sent, 5);
      await validateIndex(index);
      const one = await imageAt(world, await world.unmoved(`mutate ${app}:v1 -l team=web --platform linux/arm64`));
      const { architecture, config } = await one.configFile();
      assertEquals([architecture, config?.Labels], ["arm64", { team: "web" }]);
    }));

  it("puts layers on top, of standard input too", () =>
    inWorld(async (world) => {
      await world.push(randomIndex({ images: 2 }), `${app}:v1`);
      const stdin = await tarOf("etc/piped");
      const index = await indexAt(world, await world.unmoved(`mutate ${app}:v1 --append -`, { stdin }));
      const digests = await Promise.all((await index.children()).map(async ({ view }) => {
        assert(view.kind === "image");
        return await (await view.layers()).at(-1)!.digest();
      }));
      assertEquals(digests[0], digests[1]);
      await validateIndex(index);
    }));

  it("writes the result to a tarball with -o, and pushes nothing", () =>
    inWorld(async (world) => {
      await world.push(randomImage(), `${app}:v1`);
      world.requests.length = 0;
      const layer = world.write("layer.tar", await tarOf("etc/new"));
      const out = world.path("out.tar");
      assertEquals(await world.data(`mutate ${app}:v1 -l a=b --append ${layer} -t site:v2 -o ${out}`), "");
      assert(readFileSync(out).length > 0);
      const image = await imageFromTarball(tarballFile(out), { tag: "site:v2" });
      assertEquals((await image.configFile()).config?.Labels, { a: "b" });
      assertEquals(world.requests.filter((request) => /^(POST|PATCH|PUT) /.test(request)), []);
    }));

  it("changes nothing for an empty value, as that of an unset variable, and says so", () =>
    inWorld(async (world) => {
      const changes = { entrypoint: ["a"], cmd: ["b"], user: "c", workdir: "/d", exposedPorts: ["80/tcp"] };
      const before = await world.push(changeImage(await randomImage(), changes), `${app}:v1`);
      const words = ["mutate", `${app}:v1`, "--entrypoint", "", "--cmd", "", "-u", "", "-w", "", "--exposed-ports", ""];
      const { code, out, err } = await world.gcrane(words);
      assertEquals([code, out], [0, `${app}@${before}\n`]);
      assertEquals(
        err.split("\n")[1],
        "Warning: --cmd is empty and changes nothing; --unset-cmd takes the old value away",
      );
      assertMatch(err, /\n[^\n]*--in-place[^\n]*\n$/); // the note on the tag that stays
      assertEquals(err.split("\n").length, 7);
    }));

  for (
    const [line, message] of [
      ["-l novalue", '--label takes NAME=VALUE, not "novalue" — --unset-label removes one'],
      ["-e =x", '--env takes NAME=VALUE, not "=x" — --unset-env removes one'],
      ["--unset-env A=1", '--unset-env takes a name, not "A=1"'],
      ["-l a=b --unset-label a", "a is both in --label and in --unset-label — leave out one"],
      ["-w / --unset-workdir", "--workdir and --unset-workdir exclude each other — leave out one"],
      ["-t a:b --repo c", "-t and --repo both set the destination — leave out one of the two"],
      [
        "--set-platform linux",
        "--set-platform linux: an image is for an os and an architecture — for example linux/arm64",
      ],
      ["--unset-labels a", "unknown flag --unset-labels — did you mean --unset-label?"],
    ]
  ) {
    it(`says what is wrong with: mutate ${line}`, () =>
      inWorld(async (world) => {
        const { code, out, err } = await world.gcrane(`mutate ${app}:v1 ${line}`);
        assertEquals([code, out, err.split("\n")[0], world.requests], [2, "", `Error: ${message}`, []]);
      }));
  }

  it("does not make all images of an index ones for one platform", () =>
    inWorld(async (world) => {
      await world.push(randomIndex({ images: 2 }), `${app}:v1`);
      const { code, err } = await world.gcrane(`mutate ${app}:v1 --set-platform linux/arm64`);
      assertEquals([code, err.split("\n")[0]], [
        2,
        `Error: ${app}:v1 is an index, and its images can't all have the same platform — choose one of them with --platform`,
      ]);
    }));
});
