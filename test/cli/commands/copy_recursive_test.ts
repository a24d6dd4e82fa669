import { assertEquals, assertMatch } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { appendManifests } from "../../../src/mutate/mod.ts";
import { fill, image, index } from "../../make/copy_world.ts";
import { inWorld, type World } from "../../make/command_world.ts";

// One registry answers under every name here, so what is copied goes below a path.
const source = "registry.example.com/src";
const target = "mirror.example.com/dst";

async function filled(work: (world: World) => Promise<void>): Promise<void> {
  await inWorld(async (world) => {
    await fill(async (reference, view) => {
      const [, name, tag] = /^(.*?)(?::([^:/]+))?$/.exec(reference)!;
      return await world.push(view, tag ? reference : `${name}@${await view.digest()}`);
    }, source);
    await work(world);
  });
}

const writes = ({ requests }: World) => requests.filter((request) => !/^(GET|HEAD) /.test(request));

describe("gcrane copy --recursive", () => {
  it("prints nothing, and says at the end what it did", () =>
    filled(async (world) => {
      const first = await world.gcrane(`cp -r ${source} ${target}`);
      assertEquals([first.code, first.out], [0, ""]);
      assertMatch(
        first.err,
        /^copied 17 manifests and 8 tags, \d+\.\d kB of layers; 0 manifests were there already \(3 repositories\)\n$/,
      );
      world.requests.length = 0;
      const second = await world.gcrane(`copy --recursive ${source} ${target}`);
      assertEquals([second.code, second.out, writes(world)], [0, "", []]);
      assertEquals(second.err, "copied 0 manifests and 0 tags; 17 manifests were there already (3 repositories)\n");
      const tags = async (repository: string) =>
        (await world.data(`ls ${repository}`)).replaceAll(/\S+\/team/g, "team");
      assertEquals(await tags(`${target}/team/web/multi`), await tags(`${source}/team/web/multi`));
    }));

  it("with --dry-run prints what it would copy, for awk and for people", () =>
    filled(async (world) => {
      const { code, out, err } = await world.gcrane(`cp -r --dry-run --tag-filter v1 ${source}/team/app ${target}/app`);
      const digest = await image(1).digest();
      assertEquals([code, out], [
        0,
        `copy ${source}/team/app@${digest} ${target}/app@${digest}\ncopy ${source}/team/app:v1 ${target}/app:v1\n`,
      ]);
      assertEquals(err, "would copy 1 manifest and 1 tag; 0 manifests were there already (1 repository)\n");
      assertEquals((await world.gcrane(`digest ${target}/app:v1`)).code, 1);
    }));

  it("with --dry-run shows a digest on a terminal once, and short", () =>
    filled(async (world) => {
      const terminal = { columns: 80, rows: 9 };
      const line = `cp -r --dry-run --tag-filter v1 ${source}/team/app ${target}/app`;
      const digest = await image(1).digest();
      assertEquals(
        (await world.gcrane(line, { terminal })).out,
        `copy ${source}/team/app@${digest.slice(0, 19)} ${target}/app\ncopy ${source}/team/app:v1 ${target}/app:v1\n`,
      );
      const json = (await world.gcrane(`${line} --json`)).out;
      assertEquals(
        (await world.gcrane(`${line} --json`, { terminal })).out.split("\n").at(-2),
        json.split("\n").at(-2),
      );
    }));

  it("lists what is extra, writes a plan, and deletes what the plan has", () =>
    filled(async (world) => {
      await world.gcrane(`cp -r ${source} ${target}`);
      for (const name of ["team/app:old", "other:older"]) await world.push(image(1), `${target}/${name}`);
      const listed = await world.gcrane(`cp -r --delete-extra ${source} ${target}`);
      assertEquals(listed.out, `delete ${target}/other:older\ndelete ${target}/team/app:old\n`);
      assertMatch(listed.err, /\n2 things could be deleted: --delete-extra --yes deletes them\n$/);

      const plan = world.path("plan.json");
      const planned = await world.gcrane(`cp -r --plan ${plan} ${source}/team ${target}/team`);
      assertEquals([planned.code, planned.out], [0, `delete ${target}/team/app:old\n`]);
      assertMatch(planned.err, /\n1 thing could be deleted: --apply \S+plan.json does so\n$/);
      assertEquals(JSON.parse(readFileSync(plan, "utf8")).items.length, 1);

      const applied = await world.gcrane(`cp -r --apply ${plan} ${source} ${target}`);
      assertEquals([applied.code, applied.out], [0, ""]);
      assertMatch(applied.err, /\ndeleted 1 of 1 thing that the source does not have\n$/);
      assertEquals((await world.gcrane(`digest ${target}/team/app:old`)).code, 1);
      await world.data(`digest ${target}/other:older`);

      await world.gcrane(`cp -r --delete-extra --yes ${source} ${target}`);
      assertEquals((await world.gcrane(`digest ${target}/other:older`)).code, 1);
      await world.data(`digest ${target}/other:latest`);
    }));

  it("names what a plan has and something needs by now", () =>
    filled(async (world) => {
      await world.gcrane(`cp -r ${source} ${target}`);
      const digest = await image(50).digest();
      await world.push(image(50), `${target}/team/app@${digest}`);
      const plan = world.path("plan.json");
      const planned = await world.gcrane(`cp -r --plan ${plan} ${source} ${target}`);
      assertEquals(planned.out, `delete ${target}/team/app@${digest}\n`);

      const live = appendManifests(index(60), [image(50)]);
      await world.push(live, `${target}/team/app:live`);
      const { code, err } = await world.gcrane(`cp -r --apply ${plan} ${source} ${target}`);
      assertEquals(code, 0);
      const reason = `${target}/team/app@${await live.digest()} needs it, which is kept`;
      assertEquals(err.split("\n").filter((line) => !line.startsWith("copied")), [
        `Left ${target}/team/app@${digest}: ${reason}`,
        "deleted 0 of 0 things that the source does not have",
        "",
      ]);
      await world.data(`validate ${target}/team/app:live`);
    }));

  it("copies a registry to a path, and deletes below that alone", () =>
    inWorld(async (world) => {
      await world.push(image(1), "registry.example.com/app:v1");
      await world.gcrane(`cp -r --exclude team registry.example.com mirror.example.com/team`);
      await world.push(image(1), "mirror.example.com/team/app:old");
      await world.push(image(1), "mirror.example.com/team:old");
      const line = "cp -r --exclude team --delete-extra --yes registry.example.com mirror.example.com/team";
      const { code, err } = await world.gcrane(line);
      assertMatch(err, /\ndeleted 1 of 1 thing that the source does not have\n$/);
      assertEquals([code, await world.data("ls mirror.example.com/team/app")], [
        0,
        `mirror.example.com/team/app@${await image(1).digest()}\nmirror.example.com/team/app:v1\n`,
      ]);
      await world.data("digest mirror.example.com/team:old");
    }));

  it("deletes nothing for a source that is not there, unless that is meant", () =>
    filled(async (world) => {
      await world.gcrane(`cp -r ${source} ${target}`);
      const line = `cp -r --delete-extra --yes registry.example.com/none ${target}`;
      const refused = await world.gcrane(line);
      assertEquals([refused.code, refused.out], [1, ""]);
      await world.data(`digest ${target}/other:latest`);
      const meant = await world.gcrane(`${line} --allow-empty`);
      assertMatch(meant.err, /\ndeleted (\d+) of \1 things that the source does not have\n$/);
      assertEquals([meant.code, (await world.gcrane(`digest ${target}/other:latest`)).code], [0, 1]);
    }));

  it("lists at the end what failed, exits with 1, and deletes nothing then", () =>
    filled(async (world) => {
      await world.push(image(1), `${target}/other:old`);
      const refusing: typeof fetch = (input, init) => {
        const url = String(input instanceof Request ? input.url : input);
        const isRefused = init?.method === "PUT" && /dst\/team\/app\/manifests\/(latest|v2)$/.test(url);
        const errors = [{ code: "TAG_IMMUTABLE", message: "immutable" }];
        return isRefused ? Promise.resolve(Response.json({ errors }, { status: 409 })) : world.fetch(input, init);
      };
      const line = `cp -r -j 1 --delete-extra --yes ${source} ${target}`;
      const { code, out, err } = await world.gcrane(line, { fetch: refusing });
      assertEquals([code, out], [1, ""]);
      const [copied, ...others] = err.trimEnd().split("\n");
      assertMatch(copied, /^copied \d+ manifests and \d tags, .*\(3 repositories\)$/);
      assertMatch(others[0], /^Failed: registry.example.com\/src\/team\/app:\S+: PUT .*409.*: TAG_IMMUTABLE/);
      assertEquals(others.length, 3);
      assertEquals(
        others[2],
        "Error: 2 things failed, so nothing was deleted — the same command tries them again",
      );
      await world.data(`digest ${target}/other:old`);
    }));

  it("keeps a journal, and refuses one of another copy", () =>
    filled(async (world) => {
      const journal = world.path("journal");
      await world.gcrane(`cp -r --journal ${journal} ${source} ${target}`);
      assertMatch(readFileSync(journal, "utf8"), /^\{"journal":"gcrane copy",.*\}\n(\{.*\}\n)*\{"end":.*\}\n$/);
      const other = await world.gcrane(`cp -r --journal ${journal} ${source} ${target}/x`);
      assertEquals([other.code, other.out], [1, ""]);
      assertMatch(other.err, /^Error: the journal \S+ is of other work: target ".*", not ".*" — .*\n$/);
    }));

  it("takes its shard from the environment of a job", () =>
    filled(async (world) => {
      const inJob = async (environment: Record<string, string>, shard: string) =>
        (await world.gcrane(`cp -r --shard ${shard} ${source} ${target}`, { environment })).err;
      const repositories = async (...from: [Record<string, string>, string]) =>
        Number(/\((\d+) repositor/.exec(await inJob(...from))![1]);
      const both = [
        await repositories({ CLOUD_RUN_TASK_INDEX: "0", CLOUD_RUN_TASK_COUNT: "2" }, "auto"),
        await repositories({ JOB_COMPLETION_INDEX: "1" }, "auto/2"),
      ];
      assertEquals(both[0] + both[1], 3);
      assertMatch(await inJob({}, "auto"), /^Error: the shard auto requires .*\nUsage: gcrane copy/);
    }));

  it("copies for several platforms", () =>
    filled(async (world) => {
      await world.gcrane(`cp -r --platform linux/arm64 --tag-filter v1 ${source}/team ${target}`);
      const { architecture } = JSON.parse(await world.data(`config ${target}/web/multi:v1`));
      assertEquals(architecture, "arm64");
      await world.gcrane(`cp -r --platform linux/arm64,linux/amd64 --tag-filter v1 ${source}/team ${target}`);
      const [from, to] = [`${source}/team/web/multi:v1`, `${target}/web/multi:v1`];
      assertEquals(await world.data(`digest ${to}`), await world.data(`digest ${from}`));
      const { err } = await world.gcrane(`cp -r --platform linux/s390x ${source}/team ${target}/s390x`);
      assertMatch(err, /\nleft out 2 indexes without an image for the platform\n$/);
    }));

  for (
    const [line, message] of [
      [`cp --journal j ${source}:a ${target}:b`, /^Error: --journal requires --recursive or --all-tags — /],
      [`cp --rate 5 ${source}:a ./layout`, /^Error: --rate is for copies from registry to registry — /],
      [
        `cp --with-referrers ./layout ${target}:b`,
        /^Error: --with-referrers is for copies from registry to registry — /,
      ],
      [`cp --bandwidth fast ${source}:a ${target}:b`, /^Error: --bandwidth fast is not a number of bytes — /],
      [`cp --no-untagged ${source}:a ${target}:b`, /^Error: --no-untagged requires --recursive — /],
      [`cp --exclude x ${source}:a ${target}:b`, /^Error: --exclude requires --recursive — /],
      [`cp -r ${source} ${source}`, /^Error: registry.example.com\/src would be copied to itself — /],
      [`cp -r ./layout ${target}`, /^Error: .\/layout is not a repository or a registry — without -r, one image/],
      [`cp -r ${source} daemon://x`, /^Error: daemon:\/\/x is not a repository or a registry — /],
      [`cp -r --yes ${source} ${target}`, /^Error: --yes requires --delete-extra\n/],
      [
        `cp -r --allow-empty ${source} ${target}`,
        /^Error: --allow-empty requires --delete-extra, --plan or --apply\n/,
      ],
      [`cp -r --delete-extra --yes --plan p ${source} ${target}`, /^Error: --plan only writes .* — .*--apply\n/],
      [`cp -r --bandwidth fast ${source} ${target}`, /^Error: --bandwidth fast is not a number of bytes — /],
      [`cp -r --rate 0 ${source} ${target}`, /^Error: --rate must be a whole number of at least 1, not "0"\n/],
      [`cp -r --shard 4/4 ${source} ${target}`, /^Error: 4\/4: there is no shard 4 of 4 — /],
      [`cp -r --tag-filter /(/ ${source} ${target}`, /^Error: \/\(\/ is not a regular expression — /],
      [
        `cp -r --platform a/b/c/d ${source} ${target}`,
        /^Error: --platform a\/b\/c\/d: .* — for example linux\/arm64\n/,
      ],
    ] as const
  ) {
    it(`refuses: ${line}`, () =>
      inWorld(async (world) => {
        const { code, out, err } = await world.gcrane(line);
        assertEquals([code, out, world.requests], [2, "", []]);
        assertMatch(err, message);
      }));
  }

  for (const content of ["{}", "no plan", '{"plan":"gcrane copy --delete-extra","version":1,"items":[{}]}']) {
    it(`refuses a plan that is none: ${content}`, () =>
      inWorld(async (world) => {
        const plan = world.write("plan", content);
        const { code, err } = await world.gcrane(`cp -r --apply ${plan} ${source} ${target}`);
        assertEquals([code, world.requests], [1, []]);
        assertMatch(err, /^Error: \S+plan is not a plan of extra content — /);
      }));
  }
});
