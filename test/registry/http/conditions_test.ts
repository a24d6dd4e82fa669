import { beforeEach, describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { createRegistry } from "../../../src/registry/mod.ts";
import { RegistryClient } from "../../contracts/registry_client.ts";

describe("a conditional request", () => {
  let client: RegistryClient;
  beforeEach(() => {
    client = new RegistryClient({ fetch: createRegistry().fetch, base: "http://registry.example.com" });
  });

  it("for content that the client has is answered with 304", async () => {
    const { digest } = await client.pushImage("app", "image", "v1");
    const blob = await client.pushBlob("app", "a blob");
    const paths = [["manifests/v1", digest], [`manifests/${digest}`, digest], [`blobs/${blob}`, blob]];
    for (const [path, digest] of paths) {
      for (const tags of [`"${digest}"`, `W/"${digest}"`, `"other", "${digest}"`, "*"]) {
        for (const method of ["GET", "HEAD"]) {
          const answer = await client.send(method, `/v2/app/${path}`, { headers: { "If-None-Match": tags } });
          assertEquals([answer.status, answer.bytes.length], [304, 0], `${method} ${path} ${tags}`);
          assertEquals(answer.headers.get("ETag"), `"${digest}"`);
          assertEquals(answer.headers.get("Docker-Content-Digest"), digest);
        }
      }
      const headers = { "If-None-Match": '"other"' };
      assertEquals((await client.send("GET", `/v2/app/${path}`, { headers })).status, 200, path);
    }
    const headers = { "If-None-Match": "*" };
    assertEquals((await client.send("GET", "/v2/app/manifests/missing", { headers })).status, 404);
  });

  it("for a part of other content is answered with the whole", async () => {
    const digest = await client.pushBlob("app", "0123456789");
    const validators: [ifRange: string, status: number, text: string][] = [
      [`"${digest}"`, 206, "23"],
      ['"other"', 200, "0123456789"],
      [`W/"${digest}"`, 200, "0123456789"],
      ["Sun, 06 Nov 1994 08:49:37 GMT", 200, "0123456789"],
    ];
    for (const [ifRange, status, text] of validators) {
      const headers = { "Range": "bytes=2-3", "If-Range": ifRange };
      const answer = await client.send("GET", `/v2/app/blobs/${digest}`, { headers });
      assertEquals([answer.status, answer.text], [status, text], ifRange);
    }
  });
});
