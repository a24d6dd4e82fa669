import { assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import { randomImage } from "../../../src/image/mod.ts";
import { MediaType } from "../../../src/spec/mod.ts";
import { inWorld, type World } from "../../make/command_world.ts";

const app = "registry.example.com/app";

/** A field of the manifest (`m.`) or of the config (`c.`). */
async function fieldOf(world: World, reference: string, path: string): Promise<unknown> {
  const [where, ...names] = path.split("/");
  const whole = JSON.parse(await world.data(`${where === "m" ? "manifest" : "config"} ${reference}`));
  return names.reduce((value, name) => value?.[name], whole);
}

describe("gcrane mutate sets, and unsets again", () => {
  for (
    const [path, set, value, unset] of [
      ["m/annotations/a.b", "--annotation a.b=c", "c", "--unset-annotation a.b"],
      ["c/config/Labels/a", "--label a=b", "b", "--unset-label a"],
      ["c/config/Env", "--env A=b", ["A=b"], "--unset-env A"],
      ["c/config/Entrypoint", "--entrypoint /bin/app,serve", ["/bin/app", "serve"], "--unset-entrypoint"],
      ["c/config/Cmd", "--cmd a --cmd b", ["a", "b"], "--unset-cmd"],
      ["c/config/User", "--user me:us", "me:us", "--unset-user"],
      ["c/config/WorkingDir", "--workdir /srv", "/srv", "--unset-workdir"],
      [
        "c/config/ExposedPorts",
        "--exposed-ports 80/tcp,53/udp",
        { "80/tcp": {}, "53/udp": {} },
        "--unset-exposed-ports",
      ],
      ["c/config/Volumes", "--volumes /data", { "/data": {} }, "--unset-volumes"],
      ["c/config/StopSignal", "--stop-signal SIGINT", "SIGINT", "--unset-stop-signal"],
      ["c/author", "--author me", "me", "--unset-author"],
      ["c/created", "--created 2024-01-31t12:00:00z", "2024-01-31T12:00:00Z", "--unset-created"],
      ["c/created", "--created 2024-01-31T12:00:00.5+01:00", "2024-01-31T12:00:00.5+01:00", "--unset-created"],
      ["c/variant", "--set-platform linux/arm64/v8", "v8", "--unset-platform"],
    ] as const
  ) {
    it(set, () =>
      inWorld(async (world) => {
        await world.push(randomImage({ layers: 1 }), `${app}:v1`);
        await world.data(`mutate ${app}:v1 ${unset} -t ${app}:bare`);
        assertEquals(await fieldOf(world, `${app}:bare`, path), undefined);
        await world.data(`mutate ${app}:bare ${set} -t ${app}:set`);
        assertEquals(await fieldOf(world, `${app}:set`, path), value);
        assertEquals(await world.data(`validate ${app}:set`), `PASS: ${app}:set\n`);
        await world.data(`mutate ${app}:set ${unset} -t ${app}:unset`);
        assertEquals(await fieldOf(world, `${app}:unset`, path), undefined);
        // What is left is what was there: a config that is empty besides may stay.
        const fields = async (tag: string) => {
          const { config = {}, ...rest } = JSON.parse(await world.data(`config ${app}:${tag}`));
          return { ...rest, config };
        };
        const [before, after] = [await fields("bare"), await fields("unset")];
        assertEquals(after, before);
      }));
  }

  it("--subject, of which the registry knows then", () =>
    inWorld(async (world) => {
      const digest = await world.push(randomImage(), `${app}:subject`);
      await world.push(randomImage(), `${app}:v1`);
      await world.data(`mutate ${app}:v1 --subject ${app}:subject -t ${app}:set`);
      const { subject } = JSON.parse(await world.data(`manifest ${app}:set`));
      assertEquals([subject.digest, subject.mediaType], [digest, MediaType.OciManifest]);
      const response = await world.fetch(`https://registry.example.com/v2/app/referrers/${digest}`);
      assertEquals((await response.json()).manifests.length, 1);
      await world.data(`mutate ${app}:set --unset-subject -t ${app}:unset`);
      assertEquals(JSON.parse(await world.data(`manifest ${app}:unset`)).subject, undefined);
    }));

  it("--media-type, of manifest, config and layers", () =>
    inWorld(async (world) => {
      await world.push(randomImage({ layers: 1, compression: "gzip" }), `${app}:v1`);
      await world.data(`mutate ${app}:v1 --media-type docker -t ${app}:docker`);
      const docker = JSON.parse(await world.data(`manifest ${app}:docker`));
      assertEquals([docker.mediaType, docker.config.mediaType, docker.layers[0].mediaType], [
        MediaType.DockerManifestSchema2,
        MediaType.DockerConfigJson,
        MediaType.DockerLayer,
      ]);
      await world.data(`mutate ${app}:docker --media-type oci -t ${app}:oci`);
      assertEquals(await world.data(`digest ${app}:oci`), await world.data(`digest ${app}:v1`));
    }));

  for (
    const [flags, message] of [
      ["--author me --unset-author", "--author and --unset-author exclude each other — leave out one"],
      ["--stop-signal=", "--stop-signal is empty — --unset-stop-signal takes it away"],
      ["--set-platform linux/amd64 --unset-platform", "--set-platform and --unset-platform exclude each other"],
      ["--set-platform linux", "--set-platform linux: an image is for an os and an architecture"],
      ["--created yesterday", '--created takes a time, not "yesterday" — write 2024-01-31T12:00:00Z'],
      ["--created 2024-13-31T12:00:00Z", "--created takes a time, not "],
      ["--created 2023-02-29T12:00:00Z", "--created takes a time, not "],
      ["--created 2024-01-31T24:00:00Z", "--created takes a time, not "],
      ["--media-type zip", '--media-type must be one of oci, docker, not "zip"'],
      ["-l a=b -t a:b --in-place", "-t and --in-place both name the result — leave out one"],
      [`${app}:v2 -l a=b -t a:b`, "-t names one result, not several — leave it out, or use --in-place"],
      [`${app}:v2 --append -`, "standard input is a layer for one image, not for several — name a file"],
      [`${app}:v2 -l a=b -o out.tar`, "-o writes one image"],
      [`@DIGEST -l a=b --in-place`, "has no tag in a registry for its result — leave out --in-place"],
    ]
  ) {
    it(`refuses ${flags}`, () =>
      inWorld(async (world) => {
        const digest = await world.push(randomImage(), `${app}:v1`);
        world.requests.length = 0;
        const words = flags.replace("@DIGEST", `${app}@${digest}`);
        const { code, out, err } = await world.gcrane(`mutate ${app}:v1 ${words}`);
        assertEquals([code, out, world.requests], [2, "", []]);
        assertStringIncludes(err, message);
      }));
  }
});

describe("several images at once", () => {
  const names = Array.from({ length: 12 }, (_, index) => `registry.example.com/fleet/app${index}:v1`);

  const inFleet = (test: (world: World) => Promise<void>) =>
    inWorld(async (world) => {
      for (const name of names) await world.push(randomImage({ layers: 1 }), name);
      await test(world);
    });

  it("are changed in the same way, in place, and printed in their order", () =>
    inFleet(async (world) => {
      const out = await world.data(`mutate --in-place -l team=web ${names.join(" ")}`);
      const digests = await Promise.all(names.map((name) => world.data(`digest --full-ref ${name}`)));
      assertEquals(out, digests.join(""));
      for (const name of names) assertEquals(await fieldOf(world, name, "c/config/Labels"), { team: "web" });
    }));

  it("stay as they are without --in-place", () =>
    inFleet(async (world) => {
      const before = await world.data(`digest --full-ref ${names[1]}`);
      const out = await world.unmoved(`mutate -l team=web ${names[0]} ${names[1]}`);
      assertEquals(out.split("\n").map((line) => line.split("@")[0]), [
        "registry.example.com/fleet/app0",
        "registry.example.com/fleet/app1",
        "",
      ]);
      assertEquals(await world.data(`digest --full-ref ${names[1]}`), before);
    }));

  it("are all tried where one fails", () =>
    inFleet(async (world) => {
      const missing = "registry.example.com/fleet/none:v1";
      const all = [names[0], missing, names[1]];
      for (const verb of ["mutate -l a=b", `rebase --old-base ${names[2]} --new-base ${names[2]}`]) {
        const { code, out, err } = await world.gcrane(`${verb} --in-place ${all.join(" ")}`);
        assertEquals(code, 1);
        assertStringIncludes(err, `Error: ${missing}: `);
        if (verb.startsWith("rebase")) {
          assertEquals([out, err.trimEnd().split("\n").length], ["", 3]);
        } else {
          assertEquals(out.trimEnd().split("\n").length, 2);
          assertEquals(err.trimEnd().split("\n").length, 1);
        }
      }
    }));
});
