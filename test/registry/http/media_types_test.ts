import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { createRegistry } from "../../../src/registry/mod.ts";
import { assertRefused, encode, IMAGE, RegistryClient } from "../../contracts/registry_client.ts";

describe("a manifest's media type", () => {
  it("is compared without regard to case", async () => {
    const client = new RegistryClient({ fetch: createRegistry().fetch, base: "http://registry.example.com" });
    const declared = await client.image("app", "declared");
    const { mediaType: _, ...undeclared } = await client.image("app", "undeclared");
    for (const value of [declared, undeclared]) {
      const headers = { "Content-Type": "Application/VND.oci.image.manifest.V1+JSON; charset=utf-8" };
      const body = encode(JSON.stringify(value));
      const pushed = await client.send("PUT", "/v2/app/manifests/v1", { body, headers });
      assertEquals(pushed.status, 201, pushed.text);
      assertEquals((await client.send("GET", "/v2/app/manifests/v1")).headers.get("Content-Type"), IMAGE);
    }
  });

  it("does not hide content that is missing", async () => {
    const client = new RegistryClient({ fetch: createRegistry().fetch, base: "http://registry.example.com" });
    const value = await client.image("elsewhere", "image");
    for (const mediaType of [IMAGE, IMAGE.toUpperCase().replace("APPLICATION", "application")]) {
      const body = encode(JSON.stringify({ ...value, mediaType }));
      const answer = await client.send("PUT", "/v2/app/manifests/v1", { body, headers: { "Content-Type": mediaType } });
      assertRefused(answer, 400, "MANIFEST_BLOB_UNKNOWN");
    }
  });
});
