import { assertEquals } from "@std/assert";
import { after, before, it } from "node:test";
import { Place } from "../make/process_place.ts";
import { withRegistryProcess } from "../make/registry_process.ts";
import { contentOf, cosignTag, fill, image, index, pushWith, referrer } from "../make/copy_world.ts";
import { describePeer, type DockerRegistry, dockerRegistry, skopeo } from "../peers/mod.ts";

describePeer("gcrane cp -r, docker-registry and skopeo", ["docker-registry", "skopeo"], () => {
  let source: DockerRegistry;
  let target: DockerRegistry;
  let place: Place;

  before(async () => {
    [source, target, place] = [await dockerRegistry(), await dockerRegistry(), new Place()];
    await fill((reference, view) => pushWith(fetch, reference, view), source.host);
  });
  after(async () => {
    place.remove();
    await source.stop();
    await target.stop();
  });

  async function copy(line: string): Promise<string> {
    const { code, out, err } = await place.gcrane(`cp -r ${line}`);
    assertEquals([code, out], [0, ""], err);
    return err;
  }

  /** The tags of each repository with the digests that skopeo sees. */
  async function seenBySkopeo(host: string, repositories: readonly string[]): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for (const name of repositories) {
      const { Tags } = JSON.parse(await skopeo("list-tags", "--tls-verify=false", `docker://${host}/${name}`));
      for (const tag of Tags as string[]) {
        const reference = `docker://${host}/${name}:${tag}`;
        found[`${name}:${tag}`] = await skopeo("manifest-digest", await rawManifest(reference));
      }
    }
    return found;
  }

  async function rawManifest(reference: string): Promise<string> {
    return place.write("manifest.json", await skopeo("inspect", "--tls-verify=false", "--raw", reference));
  }

  const repositories = ["other", "team/app", "team/web/multi"];

  it("see the same tags and digests, from docker-registry to docker-registry", { timeout: 60_000 }, async () => {
    await copy(`${source.host} ${target.host}`);
    const expected = await seenBySkopeo(source.host, repositories);
    assertEquals(Object.keys(expected).length >= 8, true);
    assertEquals(await seenBySkopeo(target.host, repositories), expected);
    assertEquals(await contentOf(target.host), await contentOf(source.host));
    for (const name of ["team/web/multi:nested", "team/app:v2"]) await place.data(`validate ${target.host}/${name}`);

    const before = target.logs().length;
    assertEquals(/^copied 0 manifests and 0 tags;/.test(await copy(`${source.host} ${target.host}`)), true);
    assertEquals(/"(POST|PUT|PATCH|DELETE) /.test(target.logs().slice(before)), false);
  });

  it("see the same, to gcrane's own registry and back", { timeout: 60_000 }, async () => {
    await withRegistryProcess(async (own) => {
      await copy(`${source.host}/team ${own}/mirror`);
      await copy(`${own}/mirror ${target.host}/back`);
    });
    const expected = await seenBySkopeo(source.host, ["team/app", "team/web/multi"]);
    const back = await seenBySkopeo(target.host, ["back/app", "back/web/multi"]);
    for (const [name, digest] of Object.entries(expected)) assertEquals(back[name.replace("team/", "back/")], digest);
  });

  it("copy signatures by the tag that stands in for a list of them", { timeout: 60_000 }, async () => {
    const app = index(40);
    const digest = await pushWith(fetch, `${source.host}/signed/app:v1`, app);
    const signature = await pushWith(fetch, `${source.host}/signed/app`, await referrer(41, app));
    await copy(`--tag-filter v1 --with-referrers ${source.host}/signed ${target.host}/signed`);
    const { manifests } = JSON.parse(
      await place.data(`manifest ${target.host}/signed/app:${cosignTag(digest, "")}`),
    );
    assertEquals(manifests.map((each: { digest: string }) => each.digest), [signature]);
    await place.data(`manifest ${target.host}/signed/app@${signature}`);
  });

  it("delete what is extra, though docker-registry can't delete a tag", { timeout: 60_000 }, async () => {
    await copy(`${source.host}/team ${target.host}/clean`);
    const old = await pushWith(fetch, `${target.host}/clean/app:old`, image(50));
    await pushWith(fetch, `${target.host}/clean/app:again`, image(1));
    const { code, err } = await place.gcrane(`cp -r --delete-extra --yes ${source.host}/team ${target.host}/clean`);
    assertEquals(
      [code, /Failed: \S+\/clean\/app:again: the registry can't delete a tag alone/.test(err)],
      [1, true],
      err,
    );
    assertEquals((await place.gcrane(`digest ${target.host}/clean/app@${old}`)).code, 1);
    assertEquals(await place.data(`digest ${target.host}/clean/app:v1`), `${await image(1).digest()}\n`);
  });
});
