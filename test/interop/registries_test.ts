import { assertEquals, assertRejects } from "@std/assert";
import { mkdirSync } from "node:fs";
import { after, before, it } from "node:test";
import { push } from "../../src/crane/mod.ts";
import { randomImage, randomIndex } from "../../src/image/mod.ts";
import { Place } from "../make/process_place.ts";
import { withRegistryProcess } from "../make/registry_process.ts";
import { describePeer, type DockerRegistry, dockerRegistry, skopeo } from "../peers/mod.ts";
import { makeTree } from "../make/directory_trees.ts";

const plain = ["--src-tls-verify=false", "--dest-tls-verify=false"];

/** The digest that skopeo sees. */
async function digestBySkopeo(reference: string): Promise<string> {
  return (await skopeo("inspect", "--tls-verify=false", "--format", "{{.Digest}}", `docker://${reference}`)).trim();
}

describePeer("gcrane, docker-registry and skopeo", ["docker-registry", "skopeo"], () => {
  let registry: DockerRegistry;
  let host: string;
  let place: Place;
  const index = randomIndex({
    seed: 1,
    size: 50_000,
    compression: "gzip",
    platforms: [{ os: "linux", architecture: "amd64" }, { os: "linux", architecture: "arm64", variant: "v8" }],
  });

  before(async () => {
    registry = await dockerRegistry();
    host = registry.host;
    place = new Place();
    mkdirSync(place.path("tree"));
    makeTree(place.path("tree"));
    await place.data(`append -f tree -t ${host}/made:v1`);
    await place.data(`append --oci-empty-base -f tree -t ${host}/made-oci:v1`);
    await push(index, `${host}/index:v1`);
  });
  after(async () => {
    place.remove();
    await registry.stop();
  });

  for (const name of ["made", "made-oci", "index"]) {
    it(
      `what gcrane pushed, skopeo inspects and copies out with equal digests: ${name}`,
      { timeout: 60_000 },
      async () => {
        const reference = `${host}/${name}:v1`;
        const digest = (await place.data(`digest ${reference}`)).trim();
        const raw = await skopeo("inspect", "--tls-verify=false", "--raw", `docker://${reference}`);
        assertEquals(raw, await place.data(`manifest ${reference}`));
        if (name !== "index") assertEquals(await digestBySkopeo(reference), digest);
        await skopeo(
          "copy",
          ...plain,
          "--all",
          "--preserve-digests",
          `docker://${reference}`,
          `dir:${place.path(`out-${name}`)}`,
        );
        await skopeo(
          "copy",
          ...plain,
          "--all",
          "--preserve-digests",
          `dir:${place.path(`out-${name}`)}`,
          `docker://${host}/back/${name}:v1`,
        );
        assertEquals(await place.data(`digest ${host}/back/${name}:v1`), `${digest}\n`);
      },
    );
  }

  it("what skopeo pushed, gcrane reads, checks and copies with equal digests", { timeout: 60_000 }, async () => {
    // Skopeo writes a manifest of its own here.
    await skopeo("copy", ...plain, "--format", "oci", `docker://${host}/made:v1`, `docker://${host}/skopeo:v1`);
    const digest = await digestBySkopeo(`${host}/skopeo:v1`);
    assertEquals(await place.data(`digest --full-ref ${host}/skopeo:v1`), `${host}/skopeo@${digest}\n`);
    assertEquals(await place.data(`validate ${host}/skopeo:v1`), `PASS: ${host}/skopeo:v1\n`);
    await place.data(`copy ${host}/skopeo:v1 ${host}/copied:v1`);
    assertEquals(await digestBySkopeo(`${host}/copied:v1`), digest);
    const { Layers } = JSON.parse(await skopeo("inspect", "--tls-verify=false", `docker://${host}/copied:v1`));
    const { layers } = JSON.parse(await place.data(`manifest ${host}/copied:v1`));
    assertEquals(layers.map((layer: { digest: string }) => layer.digest), Layers);
  });

  it("a copy within the registry mounts the layers, and sends none", async () => {
    const before = registry.logs().length;
    await place.data(`copy ${host}/made:v1 ${host}/mounted/here:v1`);
    const log = registry.logs().slice(before);
    assertEquals(/"PATCH \/v2\/mounted/.test(log), false);
    assertEquals((log.match(/"POST \/v2\/mounted\/here\/blobs\/uploads\/\?[^"]*mount=[^"]*" 201/g) ?? []).length, 2);
  });

  it("tags, lists and deletes, as skopeo sees it", async () => {
    const image = randomImage({ seed: 5 });
    await push(image, `${host}/listed:v1`);
    await place.data(`tag ${host}/listed:v1 latest`);
    const { Tags } = JSON.parse(await skopeo("list-tags", "--tls-verify=false", `docker://${host}/listed`));
    assertEquals((await place.data(`ls --tags ${host}/listed`)).trim().split("\n"), Tags);
    assertEquals((await place.data(`catalog ${host}`)).split("\n").includes("listed"), true);
    await place.data(`delete ${host}/listed@${await image.digest()}`);
    await assertRejects(() => digestBySkopeo(`${host}/listed:v1`), Error, "manifest unknown");
    const byTag = await place.gcrane(`delete ${host}/made:v1`);
    assertEquals([byTag.code, /— .*gcrane delete \$\(gcrane digest --full-ref/.test(byTag.err)], [1, true], byTag.err);
  });

  it(
    "copies both ways between docker-registry and its own registry, which skopeo uses too",
    { timeout: 60_000 },
    async () => {
      await withRegistryProcess(async (own) => {
        const digest = (await place.data(`digest ${host}/index:v1`)).trim();
        await push(randomImage({ seed: 6 }), `${host}/index:v2`);
        const there = await place.gcrane(`copy -a ${host}/index ${own}/from-docker`);
        assertEquals([there.code, there.err], [0, "copied 2 tags, 0 tags were there already\n"]);
        assertEquals(await place.data(`digest ${own}/from-docker:v1`), `${digest}\n`);
        const back = await place.gcrane(`copy -a -j 2 ${own}/from-docker ${host}/to-docker`);
        assertEquals([back.code, back.err], [0, "copied 2 tags, 0 tags were there already\n"]);
        assertEquals(await place.data(`digest ${host}/to-docker:v1`), `${digest}\n`);
        assertEquals(await place.data(`digest ${host}/to-docker:v2`), await place.data(`digest ${host}/index:v2`));

        await skopeo(
          "copy",
          ...plain,
          "--all",
          "--preserve-digests",
          `docker://${own}/from-docker:v1`,
          `docker://${own}/by-skopeo:v1`,
        );
        assertEquals(await place.data(`digest ${own}/by-skopeo:v1`), `${digest}\n`);
        assertEquals(await place.data(`validate ${own}/by-skopeo:v1`), `PASS: ${own}/by-skopeo:v1\n`);
        const { Tags } = JSON.parse(await skopeo("list-tags", "--tls-verify=false", `docker://${own}/from-docker`));
        assertEquals(Tags, ["v1", "v2"]);
        await skopeo("delete", "--tls-verify=false", `docker://${own}/by-skopeo:v1`);
        assertEquals((await place.gcrane(`digest ${own}/by-skopeo:v1`)).code, 1);
      });
    },
  );
});
