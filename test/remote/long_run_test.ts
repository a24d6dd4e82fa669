import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { type ProgressEvent, randomImage } from "../../src/image/mod.ts";
import { changeImage } from "../../src/mutate/mod.ts";
import { parseRepository } from "../../src/name/mod.ts";
import { transfer, TransferState } from "../../src/graph/mod.ts";
import { Client, Puller, Pusher, referrersTag, RegistrySink } from "../../src/remote/mod.ts";
import { fakeFetch, FakeRegistry, type FakeRegistryOptions } from "../fakes/mod.ts";

const repository = parseRepository("registry.example.com/app");
const image = randomImage({ seed: 1, size: 100, layers: 2 });

function world(options: FakeRegistryOptions = {}) {
  const registry = new FakeRegistry(options);
  return { registry, ...fakeFetch({ "https://registry.example.com": registry.handle }) };
}

describe("a pusher for a long run", () => {
  it("forks into one that uses its connections, and remembers and tells for itself", async () => {
    const { fetch, requests, registry } = world({ auth: "bearer" });
    const keychain = {
      resolve: () => Promise.resolve({ authorization: () => Promise.resolve({ username: "ann", password: "s3cret" }) }),
    };
    const [first, second]: ProgressEvent[][] = [[], []];
    const pusher = new Pusher({ fetch, keychain, onProgress: (event) => first.push(event) });
    await pusher.push(repository.tag("v1"), image);
    const [pings, told, tokens] = [1, first.length, registry.tokens.asked.length];
    const other = new Pusher({ client: pusher.client, onProgress: (event) => second.push(event) });
    await other.push(repository.tag("v2"), image);
    assertEquals(requests.filter(({ path }) => path === "/v2/").length, pings);
    assertEquals([registry.tokens.asked.length, first.length, told > 0], [tokens, told, true]);
    // What the first one has sent is asked for again, and found.
    assertEquals(second.filter(({ state }) => state === "skipped").length, 3);
  });

  it("shares the bound on what moves with other transfers of its state", async () => {
    const { registry, fetch } = world();
    let now = 0;
    let most = 0;
    for (const method of ["HEAD", "PUT"]) {
      registry.on(method, /\/blobs\//, async (_, usual) => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setTimeout(resolve, 1));
        now--;
        return await usual();
      }, Infinity);
    }
    const client = new Client({ fetch });
    const state = new TransferState({ jobs: 2 });
    await Promise.all([1, 2, 3].map(async (seed) => {
      const sink = new RegistrySink(client, parseRepository(`registry.example.com/r${seed}`));
      await transfer([{ view: randomImage({ seed, layers: 3 }), names: ["v1"] }], sink, { state });
    }));
    assertEquals(most, 2);
  });

  it("asks for new tokens once it has dropped those of a repository", async () => {
    const { fetch, registry } = world({ auth: "bearer" });
    registry.addManifest("app", { bytes: new TextEncoder().encode("{}"), mediaType: "application/x" }, "v1");
    const pusher = new Pusher({ fetch });
    const asked = async () => {
      await new Puller({ client: pusher.client }).head(repository.tag("v1"));
      return registry.tokens.asked.length;
    };
    assertEquals([await asked(), await asked()], [1, 1]);
    pusher.client.forget(repository);
    assertEquals(await asked(), 2);
  });

  it("waits for its pace before each request, those for tokens too", async () => {
    const { fetch, requests } = world({ auth: "bearer" });
    let passed = 0;
    const early: string[] = [];
    const counting: typeof fetch = (input, init) => {
      if (requests.length >= passed) early.push(String(input));
      return fetch(input, init);
    };
    const pace = () => (passed++, Promise.resolve());
    const pusher = new Pusher({ fetch: counting, pace });
    await new Puller({ client: pusher.client }).head(repository.tag("v1")).catch(() => {});
    await pusher.push(repository.tag("v1"), image).catch(() => {});
    assertEquals([passed, early], [requests.length, []]);
  });

  it("finds what is there with one HEAD, and nothing where there is nothing or it may not look", async () => {
    const { fetch, requests, registry } = world();
    const pusher = new Pusher({ fetch });
    await pusher.push(repository.tag("v1"), image);
    requests.length = 0;
    assertEquals((await pusher.find(repository.tag("v1")))?.digest, await image.digest());
    assertEquals(await pusher.find(repository.tag("v2")), undefined);
    registry.on("HEAD", /manifests/, () => ({ status: 403 }));
    assertEquals(await pusher.find(repository.tag("v1")), undefined);
    assertEquals(requests.map(({ method }) => method), ["HEAD", "HEAD", "HEAD"]);
  });

  it("puts a manifest without listing it for its subject, and looks for referrers in the API alone", async () => {
    const { fetch, registry, requests } = world({ referrers: false });
    const pusher = new Pusher({ fetch });
    const digest = await pusher.push(repository.tag("v1"), image);
    const { mediaType, size } = await image.descriptor();
    const signature = changeImage(randomImage({ seed: 2, size: 50, layers: 1 }), {
      subject: { mediaType, digest, size },
    });
    const manifest = { bytes: await signature.rawManifest(), mediaType: await signature.mediaType() };
    await pusher.put(repository.tag("sig"), manifest, { referrers: "never" });
    assertEquals(registry.manifestsOf("app").has(referrersTag(digest)), false);
    await pusher.put(repository.tag("sig"), manifest, { referrers: "before" });
    const [list, own] = [referrersTag(digest), "sig"].map((tag) =>
      requests.findLastIndex(({ method, path }) => method === "PUT" && path.endsWith(`/${tag}`))
    );
    assertEquals(list < own, true);
    const listed = async (fallback: boolean) => {
      const index = await new Puller({ client: pusher.client }).referrers(repository.digest(digest), { fallback });
      return (await index.manifest()).manifests.map((each) => each.digest);
    };
    assertEquals([await listed(true), await listed(false)], [[await signature.digest()], []]);
  });
});
