import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { Buffer } from "node:buffer";
import { fileURLToPath } from "node:url";
import { describe, it } from "node:test";
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { awsKeys } from "../../../src/authn/aws/internal.ts";
import { StoreError } from "../../../src/errors.ts";
import { fetchFor } from "../../../src/http/mod.ts";
import { s3Store } from "../../../src/registry/mod.ts";
import { text } from "../../contracts/store_contract.ts";
import { FakeS3 } from "../../fakes/fake_s3.ts";
import { describePeer, moto } from "../../peers/mod.ts";

const HOUR = 3_600_000;

/** Variables, and how the server is asked that has the keys. */
const sources: Record<string, { environment: Record<string, string>; asked: string[] }> = {
  "the environment": {
    environment: { AWS_ACCESS_KEY_ID: "KEY1", AWS_SECRET_ACCESS_KEY: "secret", AWS_SESSION_TOKEN: "token" },
    asked: [],
  },
  "a role by web identity": {
    environment: { AWS_ROLE_ARN: "arn:aws:iam::1:role/app", AWS_WEB_IDENTITY_TOKEN_FILE: "/token" },
    asked: ["POST https://sts.eu-north-1.amazonaws.com/"],
  },
  "a container": {
    environment: { AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/v1/credentials" },
    asked: ["GET http://169.254.170.23/v1/credentials"],
  },
  "the machine": {
    environment: {},
    asked: [
      "PUT http://169.254.169.254/latest/api/token",
      "GET http://169.254.169.254/latest/meta-data/iam/security-credentials/",
      "GET http://169.254.169.254/latest/meta-data/iam/security-credentials/app",
    ],
  },
};

/** The servers of AWS that issue keys, each for an hour. */
class Issuers {
  readonly asked: string[] = [];
  readonly environment: Record<string, string>;
  now = Date.parse("2026-03-04T05:06:07Z");
  issued = 0;

  constructor(environment: Record<string, string>) {
    this.environment = environment;
  }

  /** Returns the keys as a store takes them. */
  keys() {
    return awsKeys({
      region: "eu-north-1",
      environment: (name) => this.environment[name],
      home: "/home/ann",
      readFile: (path) => Promise.resolve(path === "/token" ? "identity" : undefined),
      now: () => this.now,
      fetch: (url, { method }) => Promise.resolve(this.#answer(`${method ?? "GET"} ${url}`)),
    });
  }

  #answer(asked: string): Response {
    this.asked.push(asked);
    if (asked.includes("/api/token")) return new Response("session");
    if (asked.endsWith("security-credentials/")) return new Response("app");
    const AccessKeyId = `KEY${++this.issued}`;
    const Expiration = new Date(this.now + HOUR).toISOString();
    const keys = { AccessKeyId, SecretAccessKey: "secret", Expiration };
    if (!asked.startsWith("POST")) return Response.json({ ...keys, Token: "token" });
    const fields = Object.entries({ ...keys, SessionToken: "token" }).map(([name, value]) =>
      `<${name}>${value}</${name}>`
    );
    return new Response(`<Credentials>${fields.join("")}</Credentials>`);
  }
}

function storeWith(issuers: Issuers) {
  const s3 = new FakeS3();
  Object.assign(s3.keys, { accessKeyId: "KEY1", secretAccessKey: "secret", sessionToken: "token" });
  const { endpoint, bucket, region } = s3.keys;
  const store = s3Store({
    endpoint,
    bucket,
    region,
    fetch: s3.fetch,
    credentials: issuers.keys(),
    retry: { delayMs: 0 },
  });
  return { s3, store };
}

describe("the keys of s3Store", () => {
  for (const [name, { environment, asked }] of Object.entries(sources)) {
    it(`come from ${name}`, async () => {
      const issuers = new Issuers(environment);
      const { store } = storeWith(issuers);
      await store.records.put("a/b", text("one"));
      assertEquals(await store.records.get("a/b"), text("one"));
      assertEquals(issuers.asked, asked);
    });
  }

  it("are renewed before they expire", async () => {
    const issuers = new Issuers(sources["a container"].environment);
    const { store, s3 } = storeWith(issuers);
    await store.records.put("a/b", text("one"));
    issuers.now += HOUR - 30_000;
    Object.assign(s3.keys, { accessKeyId: "KEY2" });
    await store.records.put("a/b", text("two"));
    assertEquals(issuers.issued, 2);
  });

  it("are a failure of the store where there are none", async () => {
    const issuers = new Issuers({ AWS_EC2_METADATA_DISABLED: "true" });
    const { store, s3 } = storeWith(issuers);
    const error = await assertRejects(() => store.records.get("a/b"), StoreError);
    assertMatch(
      error.message,
      /^can't read records\/a\/b in bucket images: there are no keys: neither the environment, /,
    );
    assertEquals([error.hint, s3.asked], ["set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", []]);
  });
});

describePeer("s3Store on moto", ["moto"], () => {
  const testdata = (name: string) => fileURLToPath(new URL(`../../testdata/runtime/${name}`, import.meta.url));

  it("signs with the keys of a role that moto's token service lends, over HTTPS by an own authority", {
    timeout: 60_000,
  }, async () => {
    const ca = readFileSync(testdata("ca.pem"), "utf8");
    const trusting = fetchFor({ ca });
    const s3 = await moto({
      tls: { cert: testdata("localhost.pem"), key: testdata("localhost.key") },
      fetch: trusting,
    });
    try {
      const { endpoint, bucket } = s3.options;
      const environment: Record<string, string> = {
        AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/app",
        AWS_WEB_IDENTITY_TOKEN_FILE: "/token",
        AWS_ENDPOINT_URL_STS: `${endpoint}/`,
      };
      const sent: string[] = [];
      const fetch = (url: string, init: RequestInit) => {
        sent.push(new Headers(init.headers).get("X-Amz-Security-Token") ?? "none");
        return trusting(url, init);
      };
      const credentials = awsKeys({
        environment: (name) => environment[name],
        readFile: (path) => Promise.resolve(path === "/token" ? "identity" : undefined),
        fetch,
      });
      const store = s3Store({ endpoint, bucket, credentials, fetch });
      await store.records.put("a/b", text("one"));
      assertEquals(await store.records.get("a/b"), text("one"));
      assertEquals([sent[0], sent[1] === "none", sent[1] === sent[2]], ["none", false, true]);

      const untrusting = s3Store({ ...s3.options, retry: { attempts: 1 } });
      await assertRejects(() => untrusting.records.get("a/b"), StoreError, "does not answer");
    } finally {
      await s3.stop();
    }
  });

  it("finds a bucket by its host", { timeout: 60_000 }, async () => {
    const s3 = await moto();
    try {
      const { port } = new URL(s3.options.endpoint);
      const hosts = new Set<string>();
      const store = s3Store({
        ...s3.options,
        endpoint: "http://s3.us-east-1.amazonaws.com",
        pathStyle: false,
        fetch(url, init) {
          hosts.add(new URL(url).host);
          return toPort(Number(port), url, init);
        },
      });
      await store.records.put("a/b", text("one"));
      assertEquals([await store.records.get("a/b"), await store.records.list("a/")], [text("one"), ["b"]]);
      assertEquals([...hosts], ["images.s3.us-east-1.amazonaws.com"]);
      const object = await s3.ask("GET", "images/records/a/b");
      assertEquals(await object.text(), "one");
    } finally {
      await s3.stop();
    }
  });
});

/** Sends a request to a port of this machine in place of its host, which `fetch` can't. */
function toPort(port: number, url: string, { method, headers, body }: RequestInit): Promise<Response> {
  const { host, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      port,
      host: "127.0.0.1",
      method,
      path: pathname + search,
      headers: { ...Object.fromEntries(new Headers(headers)), host },
    }, (answer) => {
      const chunks: Uint8Array[] = [];
      answer.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      answer.on("end", () => {
        const status = answer.statusCode!;
        const bytes = new Uint8Array(Buffer.concat(chunks));
        resolve(
          new Response(bytes.length > 0 ? bytes : null, { status, headers: answer.headers as Record<string, string> }),
        );
      });
      answer.on("error", reject);
    });
    request.on("error", reject);
    request.end(body as Uint8Array | undefined);
  });
}
