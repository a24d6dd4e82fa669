import { describe, it } from "node:test";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createRegistry, s3Store, serveRegistry, tokenAccess } from "../../src/registry/mod.ts";
import { runFile } from "../make/processes.ts";
import { describePeer, dockerRegistry, moto } from "../peers/mod.ts";
import { checks, look, type Outcome } from "./checks.ts";
import { type Target, World } from "./world.ts";

async function lookAtAll(target: Target): Promise<Outcome[]> {
  const world = new World(target);
  const outcomes: Outcome[] = [];
  for (const check of checks) outcomes.push(await look(check, world));
  return outcomes;
}

/** What was not as specified, and what was not offered. */
function rest(outcomes: readonly Outcome[]): string[] {
  return outcomes.filter(({ verdict }) => verdict !== "pass").map(({ check, verdict, reason }) =>
    `${verdict} ${check.title}: ${reason}`
  );
}

describe("our registry, looked at as anybody's", () => {
  it("does all that the specification says, and offers all that it may", async () => {
    const { fetch } = createRegistry();
    assertEquals(
      rest(await lookAtAll({ url: "http://registry.example.com", fetch: fetch as typeof globalThis.fetch })),
      [],
    );
  });

  it("does so where one has to sign in, too", async () => {
    const { fetch } = createRegistry({ access: tokenAccess({ users: { ann: "secret" } }) });
    const target = { url: "https://registry.example.com", fetch: fetch as typeof globalThis.fetch };
    assertEquals(rest(await lookAtAll({ ...target, user: "ann", password: "secret" })), []);
    const outsider = await lookAtAll(target);
    assertEquals(outsider.filter(({ verdict }) => verdict === "pass").length, 0);
  });
});

describePeer("our registry on moto's S3", ["moto"], () => {
  it("does all that the specification asks, open and with tokens, also where it redirects", {
    timeout: 120_000,
  }, async () => {
    const s3 = await moto();
    try {
      const access = tokenAccess({ users: { ann: "secret" } });
      for (const options of [{}, { access }, { access, redirect: true }]) {
        const store = s3Store({ ...s3.options, prefix: `${Object.keys(options).length}/` });
        const server = await serveRegistry({ store, ...options });
        try {
          const signedIn = "access" in options ? { user: "ann", password: "secret" } : {};
          assertEquals(rest(await lookAtAll({ url: server.url, ...signedIn })), []);
        } finally {
          await server.shutdown({ patience: 0 });
        }
      }
    } finally {
      await s3.stop();
    }
  });
});

describePeer("docker-registry, looked at", ["docker-registry"], () => {
  it("deviates where version 2.8 is known to", async () => {
    const registry = await dockerRegistry();
    try {
      const outcomes = await lookAtAll({ url: `http://${registry.host}` });
      const named = (verdict: string) =>
        outcomes.filter((each) => each.verdict === verdict).map(({ check }) => check.title);
      assertEquals(named("fail"), [
        "a part of a blob by Range", // a range beyond the end is answered with 416 and a body of another length
        "a chunk out of order is 416, and the upload goes on", // it is taken
        "an image with layers that may not be pushed",
        "n limits the list of tags, and Link leads to the rest", // all tags at once
        "last starts the list of tags after one",
      ]);
      assertEquals(named("skip"), [
        "referrers are listed, with their types and annotations",
        "a push of what has a subject says OCI-Subject",
        "referrers are filtered by artifactType, or all are listed",
        "the referrers of what is not there are none",
        "a tag is deleted, and its manifest stays",
      ]);
    } finally {
      await registry.stop();
    }
  });
});

describe("deno task conformance", () => {
  it("says what it looked at, in the workflows that are asked for", async () => {
    const server = await serveRegistry({ access: tokenAccess({ users: { ann: "secret" } }) });
    try {
      const line = [server.url, "--user", "ann", "--only", "pull,management", "--repository", "a/b"];
      const { code, out, err } = await runFile("test/conformance/main.ts", line, {
        env: { REGISTRY_PASSWORD: "secret" },
      });
      assertEquals([code, err], [0, ""], out);
      assertStringIncludes(out, `${server.url}, repository a/b\n\npull\n  ok    a blob that is not there is 404\n`);
      assertMatch(out, /\n\n8 as specified, 0 not, 0 not offered\n$/);
      const refused = await runFile("test/conformance/main.ts", [server.url, "--only", "pull"]);
      assertEquals(refused.code, 1);
      assertMatch(refused.out, /FAIL {2}a blob that is not there is 404\n {10}.*401/);
    } finally {
      await server.shutdown({ patience: 0 });
    }
  });

  it("says how it is used", async () => {
    for (const line of [[], ["x"], ["http://127.0.0.1:1", "--only", "x"], ["--nothing"]]) {
      const { code, out, err } = await runFile("test/conformance/main.ts", line);
      assertEquals([code, out], [2, ""]);
      assertStringIncludes(err, "Usage: deno task conformance URL");
    }
  });
});
