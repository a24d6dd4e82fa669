import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { randomImage, randomIndex } from "../../../src/image/mod.ts";
import { type Descriptor, MediaType } from "../../../src/spec/mod.ts";
import { inWorld, type World } from "../../make/command_world.ts";

const [source, mirror] = ["registry.example.com/team/app", "registry.example.com/mirror/app"];
const index = randomIndex({
  seed: 1,
  platforms: [{ os: "linux", architecture: "amd64" }, { os: "linux", architecture: "arm64" }],
});
const [first, second] = [randomImage({ seed: 2 }), randomImage({ seed: 3 })];

/** The digest of a reference. */
async function digest(world: World, reference: string): Promise<string> {
  return (await world.data(`digest ${reference}`)).trim();
}

/** What points at the two bytes of an empty JSON object (image-spec, "Guidance for an Empty Descriptor"). */
function emptyDescriptor(): Descriptor {
  const digest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
  return { mediaType: "application/vnd.oci.empty.v1+json", digest, size: 2 };
}

function uploads(world: World): string[] {
  return world.requests.filter((request) => /^(PATCH|PUT) .*\/blobs\/uploads\//.test(request));
}

describe("gcrane copy", () => {
  it("to a digest that the source has not fails, and sends nothing", () =>
    inWorld(async (world) => {
      const pushed = await world.push(first, `${source}:v1`);
      world.requests.length = 0;
      const { code, err } = await world.gcrane(`copy ${source}:v1 ${mirror}@sha256:${"a".repeat(64)}`);
      assertEquals([code, err.includes(`can't name a manifest with the digest ${pushed}`)], [1, true], err);
      assertEquals(world.requests.filter((request) => !request.startsWith("GET ")), []);
      await world.data(`copy ${source}:v1 ${mirror}@${pushed}`);
      assertEquals(await digest(world, `${mirror}@${pushed}`), pushed);
    }));

  it("says nothing and keeps the digest", () =>
    inWorld(async (world) => {
      const pushed = await world.push(first, `${source}:v1`);
      assertEquals(await world.data(`copy ${source}:v1 ${mirror}:v2`), "");
      assertEquals(await digest(world, `${mirror}:v2`), pushed);
      assertEquals(await world.data(`cp ${source}@${pushed} ${mirror}:by-digest`), "");
      assertEquals(await digest(world, `${mirror}:by-digest`), pushed);
    }));

  it("mounts what the registry holds, and reads no layer", () =>
    inWorld(async (world) => {
      await world.push(first, `${source}:v1`);
      world.requests.length = 0;
      await world.data(`copy ${source}:v1 ${mirror}:v1`);
      assertEquals(uploads(world), []);
      assertEquals(world.requests.filter((request) => request.startsWith("GET /v2/team/app/blobs/")), []);
    }));

  it("sends what another registry lacks", () =>
    inWorld(async (world) =>
      await inWorld(async (other) => {
        const pushed = await world.push(first, `${source}:v1`);
        const hosts: typeof fetch = (input, init) =>
          (new URL(input instanceof Request ? input.url : input).host === "other.example.com" ? other : world)
            .fetch(input, init);
        await world.data(`copy ${source}:v1 other.example.com/app:v1`, { fetch: hosts });
        assertEquals(uploads(other).length > 0, true);
        assertEquals(await digest(other, "other.example.com/app:v1"), pushed);
        assertEquals(await other.data("validate other.example.com/app:v1"), "PASS: other.example.com/app:v1\n");
      })
    ));

  it("copies an index with all of its images, and with --platform one of them", () =>
    inWorld(async (world) => {
      const pushed = await world.push(index, `${source}:v1`);
      await world.data(`copy ${source}:v1 ${mirror}:all`);
      assertEquals(await digest(world, `${mirror}:all`), pushed);
      await world.data(`validate ${mirror}:all`);
      await world.data(`copy --platform linux/arm64 ${source}:v1 ${mirror}:arm`);
      const [, child] = await index.children();
      assertEquals(await digest(world, `${mirror}:arm`), child.descriptor.digest);
    }));

  it("-a copies every tag, with -n none that is there", () =>
    inWorld(async (world) => {
      const one = await world.push(first, `${source}:v1`);
      const two = await world.push(second, `${source}:v2`);
      const old = await world.push(first, `${mirror}:v2`);
      const { code, out, err } = await world.gcrane(`copy -a -n ${source} ${mirror}`);
      assertEquals([code, out, err], [0, "", "copied 1 tag, 0 tags were there already, kept 1 tag\n"]);
      assertEquals([await digest(world, `${mirror}:v1`), await digest(world, `${mirror}:v2`)], [one, old]);
      const again = await world.gcrane(`copy --all-tags ${source} ${mirror}`);
      assertEquals([again.code, again.out, again.err], [0, "", "copied 1 tag, 1 tag was there already\n"]);
      const crane = await world.gcrane(`--as crane copy -a ${source} ${mirror}`);
      assertEquals([crane.code, crane.out, crane.err], [0, "", ""]);
      assertEquals(await digest(world, `${mirror}:v2`), two);
    }));

  it("-a --dry-run lists the tags to copy, counts those that are there, and writes nothing", () =>
    inWorld(async (world) => {
      for (const [seed, tag] of [[1, "v1"], [2, "v2"], [3, "v3"]] as const) {
        await world.push(randomImage({ seed }), `${source}:${tag}`);
      }
      await world.push(randomImage({ seed: 1 }), `${mirror}:v1`);
      await world.push(randomImage({ seed: 1 }), `${mirror}:v2`);
      const planned = async (line: string) => {
        world.requests.length = 0;
        const { code, out, err } = await world.gcrane(`copy -a --dry-run ${line} ${source} ${mirror}`);
        assertEquals([code, world.requests.filter((request) => !/^(GET|HEAD) /.test(request))], [0, []]);
        return [out.split("\n").sort().filter((text) => text !== ""), err];
      };
      const [two, three] = ["v2", "v3"].map((tag) => `copy ${source}:${tag} ${mirror}:${tag}`);
      assertEquals(await planned(""), [[two, three], "would copy 2 tags, 1 tag was there already\n"]);
      assertEquals(await planned("-n"), [[three], "would copy 1 tag, 0 tags were there already, kept 2 tags\n"]);
      assertEquals(await planned("--tag-filter v1"), [[], "would copy 0 tags, 1 tag was there already\n"]);
      assertEquals((await planned(`--journal ${world.path("journal")}`))[0], [two, three]);
      assertEquals(existsSync(world.path("journal")), false);
    }));

  it("--dry-run of -a and -r prints the sum after the list, -a in the order of the tags", () =>
    inWorld(async (world) => {
      const tags = Array.from({ length: 6 }, (_, i) => `v${i}`);
      for (const [seed, tag] of tags.entries()) await world.push(randomImage({ seed }), `${source}:${tag}`);
      for (const way of ["-a", "-r"]) {
        const printed: string[] = [];
        await world.gcrane(`copy ${way} --dry-run --jobs 1 ${source} ${mirror}`, {
          async onWrite(text) {
            await new Promise((resolve) => setTimeout(resolve, 0)); // as slow as a pipe
            printed.push(...text.trimEnd().split("\n"));
          },
          onMessage: (text) => void printed.push(text.trimEnd()),
        });
        assertMatch(printed.pop()!, /^would copy /);
        if (way === "-a") assertEquals(printed, tags.map((tag) => `copy ${source}:${tag} ${mirror}:${tag}`));
        assertEquals(printed.every((line) => line.startsWith("copy ")), true);
      }
    }));

  it("-a --dry-run compares the image for --platform", () =>
    inWorld(async (world) => {
      await world.push(index, `${source}:v1`);
      const line = `copy -a --dry-run --platform linux/arm64 ${source} ${mirror}`;
      assertEquals((await world.gcrane(line)).out, `copy ${source}:v1 ${mirror}:v1\n`);
      await world.data(`copy --platform linux/arm64 ${source}:v1 ${mirror}:v1`);
      assertEquals((await world.gcrane(line)).out, "");
    }));

  it("--dry-run is for several tags", () =>
    inWorld(async (world) => {
      const { code, err } = await world.gcrane(`copy --dry-run ${source}:v1 ${mirror}:v1`);
      assertEquals(code, 2);
      assertStringIncludes(err, "Error: --dry-run requires --all-tags or --recursive — ");
    }));

  it("-a -n copies to a repository that is not there yet", () =>
    inWorld(async (world) => {
      const one = await world.push(first, `${source}:v1`);
      assertEquals((await world.gcrane(`copy -an ${source} ${mirror}`)).code, 0);
      assertEquals(await digest(world, `${mirror}:v1`), one);
    }));

  it("-a --journal notes what is done, and an ended journal begins anew", () =>
    inWorld(async (world) => {
      const pushed = await world.push(first, `${source}:v1`);
      const line = `copy -a --journal ${world.path("copy.journal")} ${source} ${mirror}`;
      assertEquals((await world.gcrane(line)).err, "copied 1 tag, 0 tags were there already\n");
      const [header, copied, end] = readFileSync(world.path("copy.journal"), "utf8").trim().split("\n");
      assertEquals(JSON.parse(header), { journal: "gcrane copy", version: 1, source, target: mirror, tags: "all" });
      assertEquals(JSON.parse(copied), { copied: pushed, repository: "team/app", tags: ["v1"] });
      assertEquals(Object.keys(JSON.parse(end)), ["end"]);
      assertEquals((await world.gcrane(line)).err, "copied 0 tags, 1 tag was there already\n");
    }));

  it("--with-referrers brings along what refers to an image", () =>
    inWorld(async (world) => {
      const pushed = await world.push(first, `${source}:v1`);
      const config = emptyDescriptor();
      const subject = await first.descriptor();
      const note = {
        schemaVersion: 2,
        mediaType: MediaType.OciManifest,
        artifactType: "text/note",
        config,
        layers: [],
      };
      const put = (path: string, init: RequestInit) =>
        world.fetch(`https://registry.example.com/v2/team/app${path}`, init);
      await put(`/blobs/uploads/?digest=${config.digest}`, { method: "POST", body: "{}" });
      await put("/manifests/note", {
        method: "PUT",
        headers: { "content-type": MediaType.OciManifest },
        body: JSON.stringify({ ...note, subject }),
      });
      await world.data(`copy ${source}:v1 ${mirror}:v1`);
      const referrers = async () =>
        (await (await world.fetch(`https://registry.example.com/v2/mirror/app/referrers/${pushed}`)).json()).manifests;
      assertEquals(await referrers(), []);
      await world.data(`copy --with-referrers --rate 1000000 --bandwidth 1GB ${source}:v1 ${mirror}:v1`);
      assertEquals((await referrers()).length, 1);
    }));

  it("-n of one tag that is there fails, and names it", () =>
    inWorld(async (world) => {
      await world.push(first, `${source}:v1`);
      const old = await world.push(second, `${mirror}:v1`);
      const { code, out, err } = await world.gcrane(`copy -n ${source}:v1 ${mirror}:v1`);
      assertEquals([code, out], [1, ""]);
      assertEquals(err, `Error: ${mirror}:v1 exists already — leave out no-clobber to replace it\n`);
      assertEquals(await digest(world, `${mirror}:v1`), old);
    }));

  it("-j bounds what moves at a time, and 0 is the default", () =>
    inWorld(async (world) => {
      const pushed = await world.push(randomImage({ seed: 4, layers: 6 }), `${source}:v1`);
      let now = 0;
      let most = 0;
      const counting: typeof fetch = async (input, init) => {
        const isBlob = /\/blobs\//.test(String(input instanceof Request ? input.url : input));
        most = Math.max(most, isBlob ? ++now : now);
        try {
          return await world.fetch(input, init);
        } finally {
          if (isBlob) now--;
        }
      };
      await world.data(`copy -j 1 ${source}:v1 ${mirror}:v1`, { fetch: counting });
      assertEquals([await digest(world, `${mirror}:v1`), most], [pushed, 1]);
      await world.data(`copy -j 0 ${source}:v1 ${mirror}:v2`);
      assertEquals(await digest(world, `${mirror}:v2`), pushed);
      const { code, err } = await world.gcrane(`copy -j -1 ${source}:v1 ${mirror}:v3`);
      assertEquals(code, 2);
      assertMatch(err, /^Error: --jobs must be a whole number of at least 0, not "-1"\n/);
    }));

  it("of what is not there fails and makes nothing", () =>
    inWorld(async (world) => {
      const { code, out, err } = await world.gcrane(`copy ${source}:v1 ${mirror}:v1`);
      assertEquals([code, out], [1, ""]);
      assertMatch(err, /^Error: GET .*\/v2\/team\/app\/manifests\/v1: 404 .*\n$/);
      assertEquals(await world.data("catalog registry.example.com"), "");
    }));
});

describe("gcrane tag", () => {
  it("says nothing and gives the image another tag", () =>
    inWorld(async (world) => {
      const pushed = await world.push(index, `${source}:v1`);
      world.requests.length = 0;
      assertEquals(await world.data(`tag ${source}:v1 latest`), "");
      assertEquals(uploads(world), []);
      assertEquals(await digest(world, `${source}:latest`), pushed);
      await world.data(`tag ${source}@${pushed} pinned`);
      assertEquals(await digest(world, `${source}:pinned`), pushed);
    }));

  for (const [typed, hint] of [[`${source}:v2`, "v2"], ["a/b", "latest"], ["sha256:abc", "abc"]]) {
    it(`takes a tag alone: ${typed}`, () =>
      inWorld(async (world) => {
        const { code, err } = await world.gcrane(`tag ${source}:v1 ${typed}`);
        assertEquals([code, err], [
          2,
          `Error: ${typed} is not a tag — give the tag alone: gcrane tag ${source}:v1 ${hint}\nUsage: gcrane tag [flags] IMAGE TAG...\n`,
        ]);
      }));
  }
});

describe("gcrane delete", () => {
  it("says nothing and deletes a tag, or the image with all its tags", () =>
    inWorld(async (world) => {
      const pushed = await world.push(first, `${source}:v1`);
      await world.push(first, `${source}:v2`);
      assertEquals(await world.data(`delete ${source}:v1`), "");
      assertEquals((await world.gcrane(`digest ${source}:v1`)).code, 1);
      assertEquals(await digest(world, `${source}:v2`), pushed);
      assertEquals(await world.data(`delete ${source}@${pushed}`), "");
      assertEquals((await world.gcrane(`digest ${source}:v2`)).code, 1);
    }));

  it("tells how where a registry deletes by digest only", () =>
    inWorld(async (world) => {
      const digestOnly: typeof fetch = (input, init) =>
        init?.method === "DELETE"
          ? Promise.resolve(
            Response.json({ errors: [{ code: "DIGEST_INVALID", message: "no digest" }] }, { status: 400 }),
          )
          : world.fetch(input, init);
      await world.push(first, `${source}:v1`);
      const { code, err } = await world.gcrane(`delete ${source}:v1`, { fetch: digestOnly });
      assertEquals(code, 1);
      assertMatch(
        err,
        /^Error: DELETE .*400.* — .*: gcrane delete \$\(gcrane digest --full-ref registry.example.com\/team\/app:v1\)\n$/,
      );
    }));
});
