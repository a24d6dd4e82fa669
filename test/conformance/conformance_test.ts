import { describe, it } from "node:test";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import {
  createRegistry,
  fileStore,
  memoryStore,
  type RegistryStore,
  s3Store,
  serveRegistry,
  tokenAccess,
} from "../../src/registry/mod.ts";
import { FakeS3 } from "../fakes/fake_s3.ts";
import { inFolder } from "../make/folders.ts";
import { runFile } from "../make/processes.ts";
import { bundleForWeb, describePeer, dockerRegistry, moto, workerd } from "../peers/mod.ts";
import { once } from "../project/applicable.ts";
import { checks, look, type Outcome, USUAL, type Workflow, WORKFLOWS } from "./checks.ts";
import { type Target, World } from "./world.ts";

async function lookAtAll(target: Target, workflows: readonly Workflow[] = USUAL): Promise<Outcome[]> {
  const world = new World(target);
  const outcomes: Outcome[] = [];
  for (const check of checks.filter(({ workflow }) => workflows.includes(workflow))) {
    outcomes.push(await look(check, world));
  }
  return outcomes;
}

/** What was not as specified, and what was not offered. */
function rest(outcomes: readonly Outcome[]): string[] {
  return outcomes.filter(({ verdict }) => verdict !== "pass").map(({ check, verdict, reason }) =>
    `${verdict} ${check.title}: ${reason}`
  );
}

const USER = { user: "ann", password: "secret" };
const USERS = { [USER.user]: USER.password };
const URL_OF_ALL = "http://registry.example.com";

/** Looks at a registry over a store, open and with tokens, and at what it takes with `allowSparse`. */
async function assertConforms(store: RegistryStore): Promise<void> {
  const open = { url: URL_OF_ALL, fetch: createRegistry({ store, allowSparse: true }).fetch as typeof fetch };
  assertEquals(rest(await lookAtAll(open, WORKFLOWS)), []);
  const closed = createRegistry({ store, access: tokenAccess({ users: USERS }) });
  assertEquals(rest(await lookAtAll({ url: URL_OF_ALL, fetch: closed.fetch as typeof fetch, ...USER })), []);
}

describe("our registry", () => {
  it("conforms over memory", () => assertConforms(memoryStore()));
  it("conforms over a disk", () => inFolder((folder) => assertConforms(fileStore(folder))));
  it("conforms over an S3 in memory", () => {
    const { fetch, keys } = new FakeS3();
    return assertConforms(s3Store({ ...keys, fetch: fetch as typeof globalThis.fetch }));
  });

  it("answers nothing as specified to a client that does not sign in", async () => {
    const { fetch } = createRegistry({ access: tokenAccess({ users: USERS }) });
    const outsider = await lookAtAll({ url: URL_OF_ALL, fetch: fetch as typeof globalThis.fetch });
    assertEquals(outsider.filter(({ verdict }) => verdict === "pass").length, 0);
  });

  it("refuses manifests whose content is elsewhere, unless it allows them", async () => {
    const { fetch } = createRegistry();
    const outcomes = await lookAtAll({ url: URL_OF_ALL, fetch: fetch as typeof globalThis.fetch }, ["sparse"]);
    assertEquals(outcomes.map(({ verdict }) => verdict), ["fail", "fail"]);
    for (const { reason } of outcomes) assertMatch(reason!, /the status is 400, not 201$/);
  });
});

describePeer("our registry over moto's S3", ["moto"], () => {
  it("conforms, also where it redirects", { timeout: 300_000 }, async () => {
    const { options, stop } = await moto();
    try {
      await assertConforms(s3Store(options));
      const store = s3Store({ ...options, prefix: "redirected/" });
      const server = await serveRegistry({ store, access: tokenAccess({ users: USERS }), redirect: true });
      try {
        assertEquals(rest(await lookAtAll({ url: server.url, ...USER })), []);
      } finally {
        await server.shutdown({ patience: 0 });
      }
    } finally {
      await stop();
    }
  });
}, { skip: once() });

describePeer("our registry over R2, under workerd", ["miniflare"], () => {
  for (const hasTokens of [false, true]) {
    it(hasTokens ? "conforms with tokens" : "conforms", { timeout: 300_000 }, () =>
      inFolder(async (folder) => {
        const script = join(folder, "worker.js");
        await bundleForWeb("src/registry/worker.ts", { file: script });
        const bindings: Record<string, string> = { GCRANE_REGISTRY_ALLOW_SPARSE: "true" };
        if (hasTokens) {
          bindings.GCRANE_REGISTRY_USERS = `${USER.user}:${USER.password}`;
          bindings.GCRANE_REGISTRY_TOKEN_AUTH = "true";
          bindings.GCRANE_REGISTRY_TOKEN_KEY = generateKeyPairSync("ed25519").privateKey.export({
            type: "pkcs8",
            format: "pem",
          }) as string;
        }
        const program = await workerd(script, { r2: join(folder, "r2"), bindings });
        try {
          // workerd closes a connection on which it did not read the whole body, and compresses JSON.
          const plain = (input: string | URL | Request, init: RequestInit = {}) => {
            const headers = new Headers(init.headers);
            headers.set("Accept-Encoding", "identity");
            return fetch(input, { ...init, keepalive: false, headers });
          };
          const target = { url: program.url, fetch: plain as typeof fetch, ...hasTokens && USER };
          assertEquals(rest(await lookAtAll(target, WORKFLOWS)), []);
        } finally {
          await program.stop();
        }
      }));
  }
}, { skip: once() });

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
        "answers for blobs and manifests name their digest",
        "a malformed digest is refused", // with 404
        "n limits the list of tags, and Link leads to the rest", // all tags at once
        "last starts the list of tags after one",
      ]);
      assertEquals(named("skip"), [
        "a manifest by its digest with tags beside it (sha256)",
        "an index and its images by their digests (sha512)",
        "a manifest by its digest with tags beside it (sha512)",
        "an index with a subject is among its referrers",
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
      assertMatch(out, /\n\n9 as specified, 0 not, 0 not offered\n$/);
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
