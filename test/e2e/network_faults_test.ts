import { assertEquals, assertMatch } from "@std/assert";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { push } from "../../src/crane/mod.ts";
import { type Image, randomImage } from "../../src/image/mod.ts";
import { createLayout } from "../../src/layout/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { type Hash, MediaType } from "../../src/spec/mod.ts";
import {
  bytesOf,
  CUT,
  digestOf,
  FakeRegistry,
  type FakeRegistryOptions,
  type FakeServer,
  fakeServer,
  firstBytes,
  problem,
  utf8,
} from "../fakes/mod.ts";
import { describePeer, type DockerRegistry, dockerRegistry, registryUser } from "../peers/mod.ts";
import { inPlace, Place } from "../make/process_place.ts";

/** A registry that misbehaves on cue, and holds an image as `app:v1`. */
interface Fault {
  registry: FakeRegistry;
  server: FakeServer;
  app: string;
  place: Place;
}

const image = randomImage({ seed: 1, size: 300_000, layers: 2 });
const layers = await image.layers();
const digests = await Promise.all(layers.map((layer) => layer.digest()));
const first = new RegExp(`/blobs/${digests[0]}`);

async function withFaults(work: (fault: Fault) => Promise<void>, options: FakeRegistryOptions = {}): Promise<void> {
  const registry = new FakeRegistry(options);
  const server = await fakeServer(registry.handle);
  const place = new Place();
  try {
    const app = `${server.host}/app:v1`;
    if (!options.auth) await push(image, app);
    server.requests.length = 0;
    await work({ registry, server, app, place });
  } finally {
    place.remove();
    await server.close();
  }
}

/** The requests of a method whose path matches, in order. */
function asked({ requests }: FakeServer, method: string, path: RegExp): FakeServer["requests"] {
  return requests.filter((request) => request.method === method && path.test(request.path));
}

/** Puts an image into a layout in the place. */
async function layoutOf(place: Place, view: Image): Promise<void> {
  await (await createLayout(place.path("layout"))).appendImage(view);
}

describe("a connection cut in the middle of a layer", () => {
  it("is made again, and the layer is whole", () =>
    withFaults(async ({ registry, server, app, place }) => {
      registry.on("GET", first, async (_, usual) => ({ ...await usual(), cutAfter: 100_000 }));
      assertEquals(await place.data(`pull ${app} app.tar`), "");
      assertEquals(asked(server, "GET", first).length, 2);
      assertEquals(await place.data("validate --tarball app.tar"), "PASS: app.tar\n");
    }));

  it("is made again for what is missing alone", () =>
    withFaults(async ({ registry, server, place }) => {
      const received = Promise.withResolvers<void>();
      registry.on("GET", first, async (_, usual) => {
        const answer = await usual();
        const bytes = answer.body as Bytes;
        async function* inTwo(): AsyncGenerator<Bytes, void, undefined> {
          yield bytes.subarray(0, 100_000);
          await received.promise;
          yield bytes.subarray(100_000);
        }
        return { ...answer, body: ReadableStream.from(inTwo()), length: bytes.length, cutAfter: 100_001 };
      });
      const running = place.start(`blob ${server.host}/app@${digests[0]}`);
      running.child.stdout.once("data", () => received.resolve());
      assertEquals([await running.ended(), running.err], [0, ""]);
      const [whole, rest] = asked(server, "GET", first);
      assertEquals(whole.headers.get("range"), null);
      assertMatch(rest.headers.get("range") ?? "", /^bytes=[1-9]\d*-$/);
    }));

  const lines = ["pull APP app.tar", "export APP files.tar", "copy APP HOST/copy:v1"];

  async function failsForGood(line: string): Promise<void> {
    await withFaults(async ({ registry, server, app, place }) => {
      registry.on("GET", first, async (_, usual) => ({ ...await usual(), cutAfter: 0 }), Infinity);
      const words = line.replace("APP", app).replace("HOST", `localhost:${server.port}`);
      await place.fails(words, new RegExp(`${digests[0]}.*cut`));
      assertEquals(registry.manifestsOf("copy").size, 0);
    });
  }

  /** A layout that is left lists nothing, and its blobs are whole. */
  async function leavesLayout(): Promise<void> {
    await withFaults(async ({ registry, app, place }) => {
      registry.on("GET", first, async (_, usual) => ({ ...await usual(), cutAfter: 100_000 }));
      registry.on("GET", first, async (_, usual) => ({ ...await usual(), cutAfter: 0 }), Infinity);
      const { code, out, err } = await place.gcrane(`pull --format oci ${app} layout`);
      assertEquals([code, out], [1, ""]);
      assertMatch(err, new RegExp(`^Error: [^\n]*${digests[0]}[^\n]*cut[^\n]*\n$`));
      for (const path of place.files().filter((path) => path.includes("/blobs/"))) {
        assertEquals(digestOf(readFileSync(place.path(`../${path}`))), `sha256:${path.split("/").at(-1)}`);
      }
      assertEquals(JSON.parse(readFileSync(place.path("layout/index.json"), "utf8")).manifests, []);
    });
  }

  it(`again and again is an error, and nothing is left: ${lines.join(", ")}`, { timeout: 60_000 }, async () => {
    // Each waits for itself before it tries again.
    await Promise.all([...lines.map(failsForGood), leavesLayout()]);
  });

  it("of an upload is a new try", () =>
    withFaults(async ({ registry, server, place }) => {
      await layoutOf(place, image);
      registry.on("PATCH", /./, async ({ body }) => {
        await firstBytes(body, 1000).pipeTo(new WritableStream());
        return CUT as typeof CUT;
      });
      const out = await place.data(`push layout ${server.host}/pushed:v1`);
      assertEquals(out, `${server.host}/pushed@${await image.digest()}\n`);
      assertEquals(registry.blobsOf("pushed").size, 3);
    }));
});

describe("an answer that is wrong", () => {
  for (const line of ["pull APP app.tar", "export APP files.tar", "copy APP HOST/copy:v1", "blob REPO@DIGEST"]) {
    it(`a blob with other bytes is an error, and nothing is left: ${line}`, () =>
      withFaults(async ({ registry, server, app, place }) => {
        const bytes = registry.blobsOf("app").get(digests[0])!;
        registry.blobsOf("app").set(digests[0], Uint8Array.from(bytes, (byte, at) => at === 200_000 ? byte ^ 1 : byte));
        const words = line.replace("APP", app).replace("HOST", `localhost:${server.port}`).replace(
          "REPO@DIGEST",
          `${server.host}/app@${digests[0]}`,
        );
        if (!line.startsWith("blob")) await place.fails(words, new RegExp(digests[0]));
        else {
          const { code, err } = await place.gcrane(words);
          assertEquals(code, 1);
          assertMatch(err, new RegExp(`^Error: [^\n]*${digests[0]}[^\n]*\n$`));
        }
        assertEquals(registry.blobsOf("copy").has(digests[0]), false);
      }));
  }

  it("a manifest with another digest than asked for", () =>
    withFaults(async ({ registry, server, place }) => {
      const digest = await image.digest();
      const other = { bytes: utf8("{}"), mediaType: MediaType.OciManifest };
      registry.manifestsOf("app").set(digest, other);
      await place.fails(`manifest ${server.host}/app@${digest}`, new RegExp(digest));
    }));

  it("a manifest that is not what it says", () =>
    withFaults(async ({ registry, server, place }) => {
      const config = `{"mediaType":"a","size":2,"digest":"${digestOf(utf8("{}"))}"}`;
      const manifests: Record<string, [mediaType: string, body: string]> = {
        "text": [MediaType.OciManifest, "<html>"],
        "cut-short": [MediaType.OciManifest, '{"schemaVersion":2,'],
        "a-list": [MediaType.OciManifest, "[]"],
        "an-index-called-image": [MediaType.OciManifest, '{"schemaVersion":2,"manifests":[]}'],
        "an-image-called-index": [MediaType.OciImageIndex, '{"schemaVersion":2,"config":{},"layers":[]}'],
        "no-digest": [MediaType.OciManifest, `{"schemaVersion":2,"config":${config},"layers":[{"size":3}]}`],
        "for-people": ["text/html", "<html>Sign in</html>"],
      };
      const references = Object.entries(manifests).map(([tag, [mediaType, body]]) => {
        registry.addManifest("bad", { bytes: utf8(body), mediaType }, tag);
        return `${server.host}/bad:${tag}`;
      });
      const { code, out, err } = await place.gcrane(`validate ${references.join(" ")}`);
      assertEquals([code, err], [1, ""]);
      const lines = out.trimEnd().split("\n");
      assertEquals(
        lines.map((line) => line.split(": ").slice(0, 2).join(": ")),
        references.map((each) => `FAIL: ${each}`),
      );
      for (const tag of ["cut-short", "an-index-called-image", "for-people"]) {
        await place.fails(`pull ${server.host}/bad:${tag} app.tar`, /bad/);
      }
      await place.fails(`copy ${server.host}/bad:an-image-called-index ${server.host}/copy:v1`, /bad/);
    }));

  it("a config that is none", () =>
    withFaults(async ({ registry, server, place }) => {
      const digest = registry.addBlob("bad", utf8("no config"));
      const manifest = {
        schemaVersion: 2,
        mediaType: MediaType.OciManifest,
        config: { mediaType: MediaType.OciConfig, digest, size: 9 },
        layers: [],
      };
      registry.addManifest("bad", { bytes: utf8(JSON.stringify(manifest)), mediaType: MediaType.OciManifest }, "v1");
      await place.fails(`append -b ${server.host}/bad:v1 -f ${place.folder} -t ${server.host}/bad:v2`, /config/);
    }));
});

describe("a registry that is busy", () => {
  it("with 429 is asked again", () =>
    withFaults(async ({ registry, server, app, place }) => {
      registry.on("GET", /manifests\/v1/, () => {
        const headers = { "content-type": "application/json", "retry-after": "1" };
        return { ...problem(429, "TOOMANYREQUESTS"), headers };
      });
      await place.data(`manifest ${app}`);
      assertEquals(asked(server, "GET", /manifests\/v1/).map(({ status }) => status), [429, 200]);
    }));

  it("with 500 in the middle of an upload is sent the layer again", () =>
    withFaults(async ({ registry, server, place }) => {
      await layoutOf(place, image);
      for (const method of ["POST", "PATCH", "PUT"]) {
        registry.on(method, /./, async ({ body }) => {
          await firstBytes(body, 1000).pipeTo(new WritableStream());
          return problem(500, "UNKNOWN", "the disk is slow");
        });
      }
      const out = await place.data(`push layout ${server.host}/pushed:v1`);
      assertEquals(out, `${server.host}/pushed@${await image.digest()}\n`);
      assertEquals(
        [...registry.blobsOf("pushed").keys()].toSorted(),
        [...digests, await image.configName() as Hash].toSorted(),
      );
    }));

  it("with 429 or 500 for good is an error, and nothing is tagged", { timeout: 60_000 }, async () => {
    // Each waits for itself before it tries again.
    await Promise.all([
      withFaults(async ({ registry, app, place }) => {
        registry.on("GET", /manifests\/v1/, () => problem(429, "TOOMANYREQUESTS"), Infinity);
        await place.fails(`manifest ${app}`, /429 Too Many Requests: TOOMANYREQUESTS.* — the registry limits the rate/);
      }),
      withFaults(async ({ registry, server, place }) => {
        await layoutOf(place, image);
        registry.on("PATCH", /./, async ({ body }) => {
          // Deno may lose the words of an answer that comes before the request is whole.
          await bytesOf(body);
          return problem(500, "UNKNOWN", "the disk is full");
        }, Infinity);
        await place.fails(
          `push layout ${server.host}/pushed:v1`,
          /500 Internal Server Error: UNKNOWN: the disk is full/,
        );
        assertEquals(registry.manifestsOf("pushed").size, 0);
      }),
    ]);
  });
});

describe("the network", () => {
  it("that refuses the connection", () =>
    inPlace(async (place) => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as { port: number };
      server.close();
      await once(server, "close");
      await place.fails(
        `digest 127.0.0.1:${port}/a:v1`,
        /connection refused — is the registry running at this address\?/,
      );
    }));

  it("that does not know the name", () =>
    inPlace((place) => place.fails("digest nowhere.invalid/a:v1", /nowhere\.invalid.*the host name does not resolve/)));

  it("that answers with something else than a registry", () =>
    inPlace(async (place) => {
      const server = await fakeServer(() => ({
        status: 404,
        headers: { "content-type": "text/html" },
        body: "<html>",
      }));
      try {
        await place.fails(`digest ${server.host}/a:v1`, /404/);
      } finally {
        await server.close();
      }
    }));
});

describe("credentials", () => {
  for (const auth of ["basic", "bearer"] as const) {
    it(`that are wrong, missing, and right: ${auth}`, () =>
      withFaults(async ({ server, place }) => {
        const login = async (password: string, ...flags: string[]) => {
          const line = ["auth login", server.host, "-u ann --password-stdin", ...flags].join(" ");
          assertEquals((await place.gcrane(line, { input: password })).code, 0);
        };
        const hint = new RegExp(`— .*gcrane auth login ${server.host}\n$`);
        await layoutOf(place, image);
        await place.fails(`push layout ${server.host}/app:v1`, hint);
        await login("wrong-password", "--no-check");
        await place.fails(`push layout ${server.host}/app:v1`, hint);
        const verbose = await place.gcrane(`digest -v ${server.host}/app:v1`);
        for (const secret of ["wrong-password", btoa("ann:wrong-password")]) {
          assertEquals([verbose.code, verbose.err.includes(secret)], [1, false]);
        }
        await login("s3cret");
        await place.data(`push layout ${server.host}/app:v1`);
        assertEquals(await place.data(`digest ${server.host}/app:v1`), `${await image.digest()}\n`);
      }, { auth }));
  }
});

describePeer("docker-registry with htpasswd", ["docker-registry"], () => {
  let registry: DockerRegistry;
  before(async () => {
    registry = await dockerRegistry({ auth: true });
  });
  after(() => registry.stop());

  it("lets in whoever is signed in, and nobody else", () =>
    inPlace(async (place) => {
      const { username, password } = registryUser;
      await layoutOf(place, image);
      await place.fails(`push layout ${registry.host}/app:v1`, /401 Unauthorized.* — .*gcrane auth login/);
      const wrong = await place.gcrane(`auth login ${registry.host} -u ${username} --password-stdin`, {
        input: "wrong",
      });
      assertEquals([wrong.code, /refuses these credentials/.test(wrong.err)], [1, true]);
      await place.fails(`push layout ${registry.host}/app:v1`, /401 Unauthorized.* — .*gcrane auth login/);
      await place.gcrane(`auth login ${registry.host} -u ${username} --password-stdin`, { input: password });
      assertEquals(
        await place.data(`push layout ${registry.host}/app:v1`),
        `${registry.host}/app@${await image.digest()}\n`,
      );
      await place.gcrane(`auth logout ${registry.host}`);
      await place.fails(`digest ${registry.host}/app:v1`, /401 Unauthorized/);
    }));
});
