import { assertEquals, assertMatch } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { image, index } from "../../make/copy_world.ts";
import { inWorld, type World } from "../../make/command_world.ts";

// One registry answers under every name here, so what is copied goes below a path.
const entry = (further = "") =>
  `sync:\n  - source: a.example.com/src/app\n    target: b.example.com/dst/app\n    type: repository\n${further}`;

async function filled(work: (world: World) => Promise<void>, options = {}): Promise<void> {
  await inWorld(async (world) => {
    for (const [seed, tag] of ["v1", "v2", "latest"].entries()) {
      await world.push(image(seed), `a.example.com/src/app:${tag}`);
    }
    world.requests.length = 0;
    await work(world);
  }, options);
}

const writes = ({ requests }: World) => requests.filter((request) => !/^(GET|HEAD) /.test(request));

describe("gcrane sync", () => {
  it("copies the entries of regsync's file, and reports what it did", () =>
    filled(async (world) => {
      const file = world.write("sync.yml", entry("    tags: { allow: [v.*] }"));
      const first = await world.gcrane(`sync --once ${file}`);
      assertEquals([first.code, first.out], [0, ""]);
      assertMatch(
        first.err,
        /^copied 2 manifests and 2 tags, .* of layers; 0 manifests were there already \(1 repository\)\n$/,
      );
      world.requests.length = 0;
      const second = await world.gcrane(["sync", "-"], { stdin: readFileSync(file, "utf8") });
      assertEquals([second.code, second.err], [
        0,
        "copied 0 manifests and 0 tags; 2 manifests were there already (1 repository)\n",
      ]);
      assertEquals(writes(world), []);
    }));

  it("prints the plan with --dry-run, also of an image with another tag", () =>
    filled(async (world) => {
      const digest = await image(0).digest();
      const file = world.write(
        "sync.yml",
        "sync: [{ source: a.example.com/src/app:v1, target: b.example.com/dst/app:stable, type: image }]",
      );
      const { code, out } = await world.gcrane(`sync --dry-run ${file}`);
      assertEquals([code, out, writes(world)], [
        0,
        `copy a.example.com/src/app@${digest} b.example.com/dst/app@${digest}\n` +
        "copy a.example.com/src/app:v1 b.example.com/dst/app:stable\n",
        [],
      ]);
      const shown = await world.gcrane(`sync --dry-run ${file}`, { terminal: { columns: 80, rows: 9 } });
      assertEquals(
        shown.out,
        `copy a.example.com/src/app@${digest.slice(0, 19)} b.example.com/dst/app\n` +
          "copy a.example.com/src/app:v1 b.example.com/dst/app:stable\n",
      );
    }));

  it("copies the images of skopeo's file below a destination", () =>
    filled(async (world) => {
      const file = world.write(
        "sync.yml",
        `a.example.com:\n  images:\n    src/app: [v1, "${await image(2)
          .digest()}"]\n  images-by-semver: { src/other: ">= 1.2" }\n`,
      );
      await world.push(image(5), "a.example.com/src/other:1.1.0");
      await world.push(index(6), "a.example.com/src/other:1.2.0");
      const { code, err } = await world.gcrane(`sync ${file} mirror.example.com/copies/`);
      assertEquals([code, err.includes("copied 5 manifests and 2 tags")], [0, true], err);
      assertMatch(await world.data("ls mirror.example.com/copies/other"), /other:1\.2\.0\n$/);
      assertEquals(await world.data("digest mirror.example.com/copies/app:v1"), `${await image(0).digest()}\n`);
      await world.data(`manifest mirror.example.com/copies/app@${await image(2).digest()}`);
      await world.data("validate mirror.example.com/copies/other:1.2.0");
    }));

  it("reports a filter that matches nothing, and fails for it with --require", () =>
    filled(async (world) => {
      const file = world.write("sync.yml", entry("    tags: { allow: [none] }"));
      const { code, err } = await world.gcrane(`sync ${file}`);
      assertEquals([code, err.split("\n")[0]], [0, "No tag of a.example.com/src/app matches sync[0]"]);
      assertEquals((await world.gcrane(`sync --require ${file}`)).code, 1);
    }));

  it("lists extra content, plans its deletion, and deletes it", () =>
    filled(async (world) => {
      const file = world.write("sync.yml", entry());
      await world.gcrane(`sync ${file}`);
      await world.push(image(9), "b.example.com/dst/app:old");
      const plan = world.path("plan.json");
      const listed = await world.gcrane(`sync --plan ${plan} ${file}`);
      assertEquals([listed.code, listed.out], [0, "delete b.example.com/dst/app:old\n"]);
      const applied = await world.gcrane(`sync --apply ${plan} ${file}`);
      assertMatch(applied.err, /\ndeleted 1 of 1 thing that the source does not have\n$/);
      assertEquals((await world.gcrane("digest b.example.com/dst/app:old")).code, 1);
      assertEquals((await world.gcrane("digest b.example.com/dst/app:v1")).code, 0);
    }));

  it("uses the credentials of the file, and no others with skipDockerConfig", () =>
    filled(async (world) => {
      const creds = (name: string) =>
        `creds: [{ registry: ${name}, user: '{{ env "NAME" }}', pass: '{{ file "${world.path("pass")}" }}' }]\n`;
      world.write("pass", "s3cret\n");
      const seen: string[] = [];
      const fetch: typeof globalThis.fetch = async (input, init) => {
        const url = new URL(input instanceof Request ? input.url : input);
        const authorization = new Headers(init?.headers).get("authorization");
        seen.push(`${url.host} ${authorization === null ? "" : atob(authorization.slice(6))}`);
        if (url.host !== "b.example.com" || authorization !== null) return await world.fetch(input, init);
        return new Response(null, { status: 401, headers: { "www-authenticate": 'Basic realm="b"' } });
      };
      const options = { fetch, environment: { NAME: "ann" } };
      const file = world.write("sync.yml", creds("b.example.com") + "defaults: { skipDockerConfig: true }\n" + entry());
      const { code, err } = await world.gcrane(`sync ${file}`, options);
      assertEquals(code, 0, err);
      assertEquals(new Set(seen), new Set(["a.example.com ", "b.example.com ", "b.example.com ann:s3cret"]));
      const other = world.write("sync.yml", creds("c.example.com") + entry());
      assertEquals((await world.gcrane(`sync ${other}`, options)).code, 1);
    }));

  for (
    const [what, line, file, message] of [
      ["an unknown key", "sync FILE", entry("    tag: v1"), /FILE: there is no key sync\[0\]\.tag/],
      [
        "a template",
        "sync FILE",
        entry('    backup: "{{ printf .Ref.Tag }}"'),
        /uses printf, which gcrane does not run/,
      ],
      [
        "a file of skopeo without a destination",
        "sync FILE",
        "a.example.com: { images: { app: [] } }",
        /does not name where the copies go/,
      ],
      ["a destination for a file of regsync", "sync FILE m.example.com", entry(), /names the targets itself/],
      ["schedules that are missing", "sync --schedule FILE", entry(), /no entry has a schedule or an interval/],
      ["--once and --schedule", "sync --once --schedule FILE", entry(), /--once is for a single run/],
      [
        "deletions by schedule without --yes",
        "sync --schedule --delete-extra FILE",
        entry(),
        /--delete-extra requires --yes/,
      ],
      ["--yes alone", "sync --yes FILE", entry(), /--yes requires --delete-extra/],
      [
        "two entries of one target",
        "sync --delete-extra FILE",
        entry() + entry().replace("sync:\n", ""),
        /FILE: sync\[0\] and sync\[1\] both copy to/,
      ],
    ] as const
  ) {
    it(`refuses ${what}`, () =>
      filled(async (world) => {
        const path = world.write("sync.yml", file);
        const { code, out, err } = await world.gcrane(line.replace("FILE", path));
        assertEquals([code, out, writes(world)], [2, "", []], err);
        assertMatch(err.replaceAll(path, "FILE"), message);
      }));
  }

  it("reports a file that is not there", () =>
    inWorld(async (world) => {
      const { code, err } = await world.gcrane("sync none.yml");
      assertEquals([code, /none\.yml/.test(err)], [1, true], err);
    }));
});
