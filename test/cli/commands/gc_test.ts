import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { randomImage } from "../../../src/image/mod.ts";
import { inWorld, type World } from "../../make/command_world.ts";

const repository = "registry.example.com/team/app";
const [first, second, third] = [1, 2, 3].map((seed) => randomImage({ seed }));

/** Two images without a tag, in two repositories, and one with the tag `v1`. */
async function fill(world: World): Promise<string[]> {
  const one = await world.push(first, `${repository}:v1`);
  await world.push(second, `${repository}:v1`);
  const two = await world.push(third, `${repository}/web:v1`);
  await world.push(second, `${repository}/web:v1`);
  return [`${repository}@${one}`, `${repository}/web@${two}`];
}

describe("gcrane gc", () => {
  it("prints what nothing leads to, and deletes nothing", () =>
    inWorld(async (world) => {
      const [one, two] = await fill(world);
      const young = await world.gcrane(`gc ${repository}`);
      assertEquals([young.code, young.out], [0, ""]);
      assertEquals(
        young.err,
        "Kept 1 manifest because of uploads in the last 24h: --grace sets another time, for example 1h or 0\n" +
          "0 manifests can go, 0 B (1 repository)\n",
      );
      const short = await world.gcrane(`gc --grace 90m --older-than 0s ${repository}`);
      assertMatch(short.err, /^Kept 2 manifests because of uploads in the last 90m: --grace sets /);
      await world.push(second, `${repository}:pr-1`);
      const tags = await world.gcrane(`gc --tag pr-* ${repository}`);
      assertMatch(
        tags.err,
        /^Kept 1 manifest and 1 tag whose image stays because of uploads in the last 24h: --grace sets /,
      );
      const { code, out, err } = await world.gcrane(`gc --grace 0 ${repository}`);
      assertEquals([code, out], [0, `${one}\n`]);
      assertMatch(err, /^1 manifest can go, [\d.]+ k?B \(1 repository\)\n$/);
      assertEquals((await world.gcrane(`gc -r --grace 0 ${repository}`)).out, `${one}\n${two}\n`);
      assertEquals((await world.gcrane("gc -r --grace 0 registry.example.com")).out, `${one}\n${two}\n`);
      assertEquals(world.requests.some((line) => line.startsWith("DELETE")), false);
    }));

  it("--delete deletes it, and prints what was deleted", () =>
    inWorld(async (world) => {
      const [one] = await fill(world);
      const { code, out, err } = await world.gcrane(`gc --grace 0 --delete ${repository}`);
      assertEquals([code, out, err], [0, `${one}\n`, "deleted 1 manifest (1 repository)\n"]);
      assertEquals((await world.gcrane(`gc --grace 0 ${repository}`)).out, "");
    }));

  it("keeps what is in use: on standard input, in a file, on the line", () =>
    inWorld(async (world) => {
      const [one, two] = await fill(world);
      const line = `gc -r --grace 0 ${repository}`;
      const stdin = `# running\ndocker-pullable://${one}\n\n`;
      assertEquals((await world.gcrane(`${line} --in-use -`, { stdin })).out, `${two}\n`);
      const file = world.write("used", two.split("@")[1]);
      assertEquals((await world.gcrane(`${line} --in-use ${file} --pin ${one}`)).out, "");
      const bad = await world.gcrane(`${line} --in-use -`, { stdin: "a b" });
      assertEquals([bad.code, bad.out], [2, ""]);
      assertStringIncludes(bad.err, "standard input, line 1: ");
    }));

  it("--plan writes what could go, and apply deletes that and nothing else", () =>
    inWorld(async (world) => {
      const [one, two] = await fill(world);
      const plan = world.path("plan.json");
      assertEquals((await world.gcrane(`gc -r --grace 0 --plan ${plan} ${repository}`)).code, 0);
      const written = JSON.parse(readFileSync(plan, "utf8"));
      assertEquals(written.items.map(({ repository, digest }: Record<string, string>) => `${repository}@${digest}`), [
        one,
        two,
      ]);
      assertEquals(typeof written.items[0].bytes, "number");
      // What the plan names is tagged again, and something new became garbage.
      await world.push(third, `${repository}/web:back`);
      await world.push(third, `${repository}:v1`);
      const { code, out, err } = await world.gcrane(`gc apply ${plan}`);
      assertEquals([code, out], [0, `${one}\n`]);
      assertStringIncludes(
        err,
        `Left ${two}: it is reachable now`,
      );
      const journal = world.path("journal");
      assertEquals((await world.gcrane(`gc apply --journal ${journal} ${plan}`)).code, 0);
      const again = await world.gcrane(`gc apply --journal ${journal} ${plan}`);
      assertStringIncludes(again.err, "2 more were done before");
    }));

  it("goes by rules on the line and in a file", () =>
    inWorld(async (world) => {
      for (const [at, tag] of ["v1.0.0", "v1.0.1", "v1.1.0", "latest", "pr-7-a"].entries()) {
        await world.push(randomImage({ seed: 10 + at }), `${repository}:${tag}`);
      }
      const found = async (flags: string) => {
        const { code, out, err } = await world.gcrane(`gc --grace 0 ${flags} ${repository}`);
        assertEquals(code, 0, err);
        return out.trimEnd().split("\n").filter((line) => line !== "").length;
      };
      assertEquals(await found("--tag pr-*"), 1);
      assertEquals(await found("--tag pr-* --older-than 1h"), 0);
      assertEquals(await found("--semver * --per minor --keep-newest 1"), 1);
      assertEquals(await found("--keep-newest 0 --keep-tag latest --keep-semver >=1.0.1"), 2);
      const rules = { keep: [{ tag: "v*" }], remove: [{ repository: "team/**" }, { repository: "other" }] };
      assertEquals(await found(`--rules ${world.write("rules.json", JSON.stringify(rules))}`), 2);
      for (
        const wrong of [{ removes: [] }, { keep: [{ newst: 1 }] }, { grace: "long" }, { remove: [{ per: "patch" }] }]
      ) {
        const file = world.write("wrong.json", JSON.stringify(wrong));
        const { code, err } = await world.gcrane(`gc --rules ${file} ${repository}`);
        assertEquals(code, 2);
        assertStringIncludes(err, `Error: ${file}: `);
      }
    }));

  it("shows the tags that go with a manifest: beside it on a terminal, in a note where a program reads", () =>
    inWorld(async (world) => {
      const [digest] = [await world.push(first, `${repository}:pr-7`), await world.push(first, `${repository}:pr-7-a`)];
      await world.push(second, `${repository}:v1`);
      const name = `${repository}@${digest}`;
      const note = `Tags of ${name}: pr-7, pr-7-a\n`;
      const terminal = { columns: 200, rows: 9 };
      const line = `gc --grace 0 --tag pr-* ${repository}`;
      const plan = world.path("plan.json");
      const piped = await world.gcrane(`${line} --plan ${plan}`);
      assertEquals([piped.code, piped.out], [0, `${name}\n`]);
      assert(piped.err.startsWith(note), piped.err);
      assertStringIncludes(piped.err, "\n1 manifest with 2 tags can go, ");
      assertEquals((await world.gcrane(line, { terminal })).out, `${name}  pr-7, pr-7-a\n`);

      const applied = await world.gcrane(`gc apply ${plan}`);
      assertEquals([applied.out, applied.err], [`${name}\n`, `${note}deleted 1 manifest with 2 tags (1 repository)\n`]);
      await world.push(first, `${repository}:pr-8`);
      assertEquals((await world.gcrane(`${line} --delete`, { terminal })).out, `${name}  pr-8\n`);
    }));

  it("gives the flags as the reason why a tag can go, or the number of a rule in a file", () =>
    inWorld(async (world) => {
      await world.push(first, `${repository}:pr-1`);
      const plan = world.path("plan.json");
      const reasons = () =>
        JSON.parse(readFileSync(plan, "utf8")).items.map(({ reason }: { reason: string }) => reason);
      const rules = world.write("rules.json", '{"remove": [{"tag": "old-*"}, {"tag": "pr-*"}]}');
      for (
        const [flags, reason] of [
          ["--tag pr-* --older-than 0s", "--tag 'pr-*' --older-than 0s"],
          ["--tag pr-1", "--tag pr-1"],
          [`--rules ${rules}`, "rule 2"],
          [`--rules ${rules} --tag pr-1`, "rule 2"],
        ]
      ) {
        await world.gcrane(`gc --grace 0 ${flags} --plan ${plan} ${repository}`);
        assertEquals(reasons(), [`${reason} removes the tag pr-1`]);
      }
      await world.push(first, `${repository}:v1`);
      const { err } = await world.gcrane(`gc --grace 0 --tag pr-* ${repository}`);
      assertStringIncludes(err, `The tag ${repository}:pr-1 can go: --tag 'pr-*' removes the tag pr-1\n`);
    }));

  it("tells what it left alone, and ends with 1", () =>
    inWorld(async (world) => {
      const [one, two] = await fill(world);
      const refusing = (what: RegExp, method: string) =>
        ((input: string | URL | Request, init?: RequestInit) =>
          what.test(String(input)) && (init?.method ?? "GET") === method
            ? Promise.resolve(new Response("{}", { status: 403 }))
            : world.fetch(input, init)) as typeof fetch;
      const blind = await world.gcrane(`gc -r --grace 0 ${repository}`, {
        fetch: refusing(/\/app\/manifests\/sha256/, "GET"),
      });
      assertEquals([blind.code, blind.out], [1, `${two}\n`]);
      assertMatch(blind.err, /^Failed: registry\.example\.com\/team\/app was not changed: .*403/);
      assertMatch(blind.err, /\nError: 1 repository failed, as listed above\n$/);
      const refused = await world.gcrane(`gc -r --grace 0 --delete ${repository}`, {
        fetch: refusing(/\/app\/manifests\/sha256/, "DELETE"),
      });
      assertEquals([refused.code, refused.out], [1, `${two}\n`]);
      assertStringIncludes(refused.err, `Left ${one}: `);
      assertMatch(refused.err, /\nError: 1 thing could not be deleted, as listed above\n$/);
    }));

  it("names the tags that it deleted of a manifest that is still there", () =>
    inWorld(async (world) => {
      const digest = await world.push(first, `${repository}:pr-1`);
      await world.push(first, `${repository}:pr-2`);
      await world.push(second, `${repository}:v1`);
      const failing = (answer: () => Response) =>
        ((input: string | URL | Request, init?: RequestInit) =>
          init?.method === "DELETE" && String(input).endsWith(digest)
            ? Promise.resolve(answer())
            : world.fetch(input, init)) as typeof fetch;
      const line = `gc --grace 0 --tag pr-* --delete ${repository}`;
      const refused = await world.gcrane(line, { fetch: failing(() => new Response("{}", { status: 403 })) });
      assertEquals([refused.code, refused.out], [1, ""]);
      const tags = `Deleted the tags pr-1, pr-2 of ${repository}@${digest}, which is still there\n`;
      assertStringIncludes(refused.err, tags);
      const listed = await world.data(`ls ${repository}`);
      assertEquals([/:pr-/.test(listed), listed.includes(digest)], [false, true]);

      await world.push(first, `${repository}:pr-1`);
      const failed = await world.gcrane(line, {
        fetch: failing(() => {
          const cause = Object.assign(new Error("self-signed certificate"), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
          throw new TypeError("fetch failed", { cause });
        }),
      });
      assertEquals([failed.code, failed.out], [1, ""]);
      assertStringIncludes(failed.err, `Deleted the tag pr-1 of ${repository}@${digest}, which is still there\n`);
      assertStringIncludes(failed.err, `Failed: ${repository} was changed only as listed above: `);

      await world.push(first, `${repository}:pr-1`);
      const whole = await world.gcrane(line);
      assertEquals([whole.code, whole.out], [0, `${repository}@${digest}\n`]);
      assertEquals(whole.err.includes("still there"), false);
    }));

  it("--max-delete stops, which is told", () =>
    inWorld(async (world) => {
      const [one] = await fill(world);
      const { code, out, err } = await world.gcrane(`gc -r --grace 0 --delete --max-delete 1 ${repository}`);
      assertEquals([code, out], [1, `${one}\n`]);
      assertStringIncludes(err, "Left 1 more: the limit of --max-delete is reached\n");
    }));

  it("refuses what makes no sense", () =>
    inWorld(async (world) => {
      const code = async (line: string) => (await world.gcrane(line)).code;
      assertEquals(await code("gc registry.example.com"), 2);
      assertEquals(await code(`gc --plan x --delete ${repository}`), 2);
      assertEquals(await code(`gc --per minor ${repository}`), 2);
      assertEquals(await code(`gc --older-than soon ${repository}`), 2);
      for (
        const text of [
          "",
          "{}",
          "[]",
          '{"kind":"gcrane gc plan","version":2}',
          '{"kind":"gcrane gc plan","version":1,"items":[{}]}',
        ]
      ) {
        writeFileSync(world.path("plan"), text);
        const { code, err } = await world.gcrane(`gc apply ${world.path("plan")}`);
        assertEquals(code, 1);
        assertMatch(err, /^Error: .*plan is not a plan of gcrane gc: .*\n$/);
      }
    }));

  it("shows apply in its help, and apply its own", () =>
    inWorld(async (world) => {
      assertStringIncludes(await world.data("gc --help"), "gcrane gc apply");
      assertStringIncludes(await world.data("gc apply --help"), "Usage: gcrane gc apply [flags] FILE");
    }));
});
