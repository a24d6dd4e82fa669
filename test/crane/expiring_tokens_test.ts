import { describe, it } from "node:test";
import { assertEquals, assertGreater } from "@std/assert";
import { ecrKeychain } from "../../src/authn/ecr/mod.ts";
import { googleKeychain } from "../../src/authn/google/mod.ts";
import { copyRepository, list, push, validate } from "../../src/crane/mod.ts";
import { randomImage } from "../../src/image/mod.ts";
import { memoryRegistry } from "../make/memory_registry.ts";

const IMAGES = 12;
/** How long an access token lives, in seconds of the clock. */
const LIFE_S = 600;

/** A clock on which time passes with each request: a copy of some images takes hours. */
class BusyClock {
  ms = Date.parse("2026-03-04T05:06:07Z");
  readonly now = () => this.ms;

  pass(seconds: number): void {
    this.ms += seconds * 1000;
  }
}

const unauthorized = (challenge: string) =>
  Response.json({ errors: [{ code: "UNAUTHORIZED" }] }, { status: 401, headers: { "www-authenticate": challenge } });

/** A registry with some images under `project/app`, and its `fetch` without any sign-in. */
async function filledRegistry(host: string) {
  const registry = memoryRegistry();
  for (let seed = 1; seed <= IMAGES; seed++) {
    await push(randomImage({ seed }), `${host}/project/app:v${seed}`, { fetch: registry.fetch });
  }
  return registry;
}

/** Google's side: a registry, its token server, and a metadata server, all of whose tokens end soon. */
class FakeGoogle {
  readonly clock = new BusyClock();
  /** The number of tokens that each server has issued. */
  readonly given = { metadata: 0, registry: 0 };
  /** How often the registry refused a token. */
  refused = 0;
  readonly #accessTokens = new Map<string, number>();
  readonly #uses = new Map<string, number>();
  readonly #registry: typeof fetch;
  readonly #usesOfEach: number;

  /** @param usesOfEach the number of requests that the registry takes a token for */
  constructor(registry: typeof fetch, usesOfEach: number) {
    this.#registry = registry;
    this.#usesOfEach = usesOfEach;
  }

  readonly fetch = (async (input: string | URL, init: RequestInit = {}) => {
    this.clock.pass(10);
    const url = new URL(input);
    if (url.host === "169.254.169.254") return this.#metadata(url);
    return url.pathname === "/v2/token" ? this.#token(url, init) : await this.#guarded(url, init);
  }) as typeof fetch;

  #metadata(url: URL): Response {
    const headers = { "metadata-flavor": "Google" };
    if (url.pathname === "/") return new Response("computeMetadata/", { headers });
    const token = `access-${++this.given.metadata}`;
    this.#accessTokens.set(token, this.clock.ms + LIFE_S * 1000);
    return Response.json({ access_token: token, expires_in: LIFE_S }, { headers });
  }

  /** Rejects an expired access token; the test allows no second attempt with it. */
  #token(url: URL, init: RequestInit): Response {
    const shown = new Headers(init.headers).get("authorization") ?? "";
    const [user, token] = atob(shown.replace("Basic ", "")).split(":");
    assertEquals([user, url.searchParams.getAll("scope").length > 0], ["_token", true]);
    if (!((this.#accessTokens.get(token) ?? 0) > this.clock.ms)) return new Response("expired", { status: 403 });
    const given = `registry-${++this.given.registry}`;
    this.#uses.set(given, this.#usesOfEach);
    return Response.json({ token: given, expires_in: 24 * 3600 });
  }

  async #guarded(url: URL, init: RequestInit): Promise<Response> {
    const token = (new Headers(init.headers).get("authorization") ?? "").replace("Bearer ", "");
    const left = this.#uses.get(token) ?? 0;
    if (left === 0) {
      if (token !== "") this.refused++;
      return unauthorized(`Bearer realm="https://${url.host}/v2/token",service="${url.host}"`);
    }
    this.#uses.set(token, left - 1);
    return await this.#registry(url.href, init);
  }
}

async function assertCopied(registry: typeof fetch, target: string): Promise<void> {
  const tags = [];
  for await (const tag of list(target, { fetch: registry })) tags.push(tag);
  assertEquals(tags.length, IMAGES);
  for (const tag of tags) await validate(`${target}:${tag}`, { fetch: registry });
}

describe("a long copy", () => {
  // Four requests go at a time, so that a token for one of them is used up before it comes to the others.
  for (const uses of [1, 6]) {
    it(`goes on where a token is good for few requests (${uses}), and the one behind it ends too`, async () => {
      const registry = await filledRegistry("europe-docker.pkg.dev");
      const google = new FakeGoogle(registry.fetch, uses);
      const { fetch, clock: { now } } = google;
      const keychain = googleKeychain({ fetch, now, environment: () => undefined, home: "", gcloud: "" });
      const target = "us-docker.pkg.dev/project/mirror";
      await copyRepository("europe-docker.pkg.dev/project/app", target, { fetch, now, keychain });
      await assertCopied(registry.fetch, target);
      assertGreater(google.refused, 5);
      assertGreater(google.given.registry, 10);
      assertGreater(google.given.metadata, 3);
    });
  }

  it("goes on where ECR's password ends, of which nobody is told beforehand", async () => {
    const registry = await filledRegistry("123456789012.dkr.ecr.eu-central-1.amazonaws.com");
    const clock = new BusyClock();
    const shown = new Set<string>();
    let given = 0;
    let end = 0;
    const fetch = (async (input: string | URL, init: RequestInit = {}) => {
      clock.pass(1800);
      const url = new URL(input);
      if (url.host === "api.ecr.eu-central-1.amazonaws.com") {
        end = clock.ms + 12 * 3600_000;
        const authorizationToken = btoa(`AWS:password-${++given}`);
        return Response.json({ authorizationData: [{ authorizationToken, expiresAt: end / 1000 }] });
      }
      const authorization = new Headers(init.headers).get("authorization") ?? "";
      if (authorization !== `Basic ${btoa(`AWS:password-${given}`)}` || clock.ms > end) {
        return unauthorized(`Basic realm="https://${url.host}/",service="ecr.amazonaws.com"`);
      }
      shown.add(authorization);
      return await registry.fetch(url.href, init);
    }) as typeof globalThis.fetch;
    const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "s3cret" };
    const keychain = ecrKeychain({ fetch, now: clock.now, environment: () => undefined, credentials });
    const host = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
    await copyRepository(`${host}/project/app`, `${host}/project/mirror`, { fetch, now: clock.now, keychain });
    await assertCopied(registry.fetch, `${host}/project/mirror`);
    assertGreater(shown.size, 3);
  });
});
