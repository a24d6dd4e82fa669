import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { serveFetch } from "../../../src/runtime/mod.ts";
import { RegistryClient } from "../../contracts/registry_client.ts";
import { patterned } from "../../contracts/store_contract.ts";
import { FakeS3 } from "../../fakes/fake_s3.ts";
import { Served } from "./served.ts";

const testdata = (name: string) => new URL(`../../testdata/runtime/${name}`, import.meta.url);

/** Serves an S3 while `work` runs with its URL and the variables with its keys. */
async function withBucket(
  work: (bucket: { url: string; keys: Record<string, string>; s3: FakeS3 }) => Promise<void>,
  tls?: { cert: string; key: string },
): Promise<void> {
  const s3 = new FakeS3();
  const { accessKeyId, secretAccessKey, region } = s3.keys;
  const server = await serveFetch((request) => s3.fetch(request), { tls });
  const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_REGION: region };
  try {
    await work({ url: `${server.url}/images`, keys, s3 });
  } finally {
    await server.close();
  }
}

describe("gcrane registry serve over a bucket", () => {
  it("--redirect sends clients to the bucket, and the log has no signed URL", () =>
    withBucket(async ({ url, keys }) => {
      const line = ["--address", "127.0.0.1:0", "--s3", url, "--redirect", "--access-log", "-"];
      const served = new Served(line, keys);
      const base = await served.url();
      const bytes = patterned(70_000);
      const client = new RegistryClient({ fetch, base });
      const path = `/v2/app/blobs/${await client.pushBlob("app", bytes)}`;
      const followed = await fetch(base + path);
      assertEquals(new Uint8Array(await followed.arrayBuffer()), bytes);
      const asked = await fetch(base + path, { redirect: "manual" });
      await asked.body?.cancel();
      assertEquals(asked.status, 307);
      assertStringIncludes(asked.headers.get("Location")!, `${url}/data/`);
      assertEquals(await served.interrupt(), 0);
      assertStringIncludes(served.io.err, `"path":"${path}"`);
      assertEquals(/X-Amz|signature/i.test(served.io.err), false);
    }));

  it("reaches a bucket whose certificate an authority of SSL_CERT_FILE issued", async () => {
    const read = (name: string) => readFileSync(testdata(name), "utf8");
    await withBucket(async ({ url, keys, s3 }) => {
      const line = ["--address", "127.0.0.1:0", "--s3", url];
      const served = new Served(line, { ...keys, SSL_CERT_FILE: testdata("ca.pem").pathname });
      await served.url();
      assertEquals([await served.interrupt(), s3.asked.length > 0], [0, true]);
    }, { cert: read("localhost.pem"), key: read("localhost.key") });
  });

  it("refuses flags that do not fit", async () => {
    const wrong: [string[], RegExp][] = [
      [["--redirect"], /^Error: --redirect needs --s3\n/],
      [
        ["--s3", "http://127.0.0.1:1/images", "--s3-virtual-host"],
        /^Error: the S3 endpoint http:\/\/127\.0\.0\.1:1 is an address, before which no bucket's name can stand\n/,
      ],
    ];
    for (const [flags, message] of wrong) {
      const served = new Served(["--address", "127.0.0.1:0", ...flags], {
        AWS_ACCESS_KEY_ID: "key",
        AWS_SECRET_ACCESS_KEY: "secret",
      });
      served.url().catch(() => {});
      assertEquals([await served.code, served.io.out], [2, ""]);
      assertMatch(served.io.err, message);
    }
  });
});
