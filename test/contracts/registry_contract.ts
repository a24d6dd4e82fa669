import { after, before, beforeEach, describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { assertRefused, digestOf, encode, IMAGE, RegistryClient, type RegistryUnderTest } from "./registry_client.ts";
import { blobContract } from "./registry_contract_blobs.ts";
import { listingContract } from "./registry_contract_listings.ts";
import { manifestContract } from "./registry_contract_manifests.ts";

/**
 * Runs the suite that a registry has to pass: the groups of the distribution-spec's conformance tests and what this
 * registry promises beyond, over HTTP as a client sees it. The registry is empty at first; the groups use repositories
 * of their own.
 */
export function registryContract(name: string, open: () => Promise<RegistryUnderTest>): void {
  describe(name, () => {
    let tested: RegistryUnderTest;
    let client: RegistryClient;
    before(async () => {
      tested = await open();
    });
    after(async () => await tested.close?.());
    beforeEach(() => {
      client = new RegistryClient(tested);
    });

    describe("the API", () => {
      it("says that it is there", async () => {
        for (const path of ["/v2/", "/v2"]) {
          const answer = await client.send("GET", path);
          assertEquals([answer.status, answer.text], [200, "{}"]);
          assertEquals((await client.send("HEAD", path)).status, 200);
        }
      });

      it("says what it does not know", async () => {
        for (const path of ["/", "/v1/", "/v3/x/tags/list", "/v2/x", "/v2/x/y", "/v2/x/tags", "/v2/x/tags/all"]) {
          assertRefused(await client.send("GET", path), 404, "UNSUPPORTED");
        }
      });

      it("says what else can be done at a URL", async () => {
        const digest = digestOf(encode("x"));
        const wrong: [method: string, path: string, allow: string][] = [
          ["DELETE", "/v2/", "GET"],
          ["POST", "/v2/_catalog", "GET"],
          ["PUT", "/v2/x/tags/list", "GET"],
          ["POST", "/v2/x/manifests/latest", "GET, PUT, DELETE"],
          ["PUT", `/v2/x/blobs/${digest}`, "GET, DELETE"],
          ["GET", "/v2/x/blobs/uploads/", "POST"],
          ["POST", "/v2/x/blobs/uploads/00000000-0000-4000-8000-000000000000", "GET, PATCH, PUT, DELETE"],
          ["DELETE", `/v2/x/referrers/${digest}`, "GET"],
        ];
        for (const [method, path, allow] of wrong) {
          const answer = await client.send(method, path);
          assertRefused(answer, 405, "UNSUPPORTED");
          assertEquals(answer.headers.get("Allow"), allow);
        }
      });

      it("takes only names that the specification allows", async () => {
        const good = ["a", "0", "a/b/c/d", "a.b", "a_b", "a__b", "a---b", "a-1.b_2/c", "x".repeat(255)];
        for (const name of good) {
          assertRefused(await client.send("GET", `/v2/${name}/manifests/v1`), 404, "MANIFEST_UNKNOWN");
        }
        const bad = [
          ...["A", "a..b", "a___b", "a/", "/a", "a//b", "-a", "a-", "_a", "a/_tags", ".a", "a.-b", "x".repeat(256)],
          ...["a%2fb", "..%2f..%2fetc", "%2e%2e%2f%2e%2e", "a%00", "a%20b", "a%5cb", "ä", "a:b", "a@b", "..%5c.."],
        ];
        for (const name of bad) {
          for (const path of ["manifests/v1", "tags/list", `blobs/${digestOf(encode("x"))}`, "blobs/uploads/1"]) {
            assertRefused(await client.send("GET", `/v2/${name}/${path}`), 400, "NAME_INVALID");
          }
          assertRefused(await client.send("POST", `/v2/${name}/blobs/uploads/`), 400, "NAME_INVALID");
        }
      });

      it("takes names that look like parts of its URLs", async () => {
        const names = ["blobs", "tags/list", "manifests/blobs/uploads", "a/blobs/uploads", "uploads/referrers", "v2"];
        for (const name of names) {
          const { digest } = await client.pushImage(name, name, "list");
          for (const reference of ["list", digest]) {
            const answer = await client.send("GET", `/v2/${name}/manifests/${reference}`);
            assertEquals([answer.status, answer.headers.get("Content-Type")], [200, IMAGE]);
          }
          assertEquals(JSON.parse((await client.send("GET", `/v2/${name}/tags/list`)).text).tags, ["list"]);
          assertEquals((await client.send("GET", `/v2/${name}/referrers/${digest}`)).status, 200);
          const upload = await client.startUpload(name);
          assertEquals((await client.send("DELETE", upload)).status, 204);
        }
      });

      it("takes tags that look like parts of its URLs", async () => {
        const image = await client.image("tags/manifests", "parts");
        for (const tag of ["manifests", "blobs", "uploads", "tags", "referrers", "v2"]) {
          const { digest } = await client.pushManifest("tags/manifests", image, tag);
          const answer = await client.send("HEAD", `/v2/tags/manifests/manifests/${tag}`);
          assertEquals([answer.status, answer.headers.get("Docker-Content-Digest")], [200, digest]);
        }
      });

      it("decodes nothing of a URL but the colon of a digest", async () => {
        const { digest } = await client.pushImage("decoded", "image", "v1");
        for (const colon of ["%3A", "%3a"]) {
          const path = `/v2/decoded/manifests/${digest.replace(":", colon)}`;
          assertEquals((await client.send("HEAD", path)).status, 200);
        }
        assertRefused(await client.send("GET", "/v2/decoded/manifests/%76%31"), 404, "MANIFEST_UNKNOWN");
        assertRefused(await client.send("GET", "/v2/%64ecoded/manifests/v1"), 400, "NAME_INVALID");
        assertRefused(await client.send("GET", "/v2/decoded%2fmanifests%2fv1"), 404, "UNSUPPORTED");
      });

      it("takes only digests that can be one", async () => {
        const hex = "a".repeat(64);
        for (
          const digest of ["sha256", "sha256:", `sha256:${hex}0`, `sha256:${hex.toUpperCase()}`, `md5:${hex}`, hex]
        ) {
          for (
            const [method, noun] of [["GET", "blobs"], ["HEAD", "blobs"], ["DELETE", "blobs"], ["GET", "referrers"]]
          ) {
            const answer = await client.send(method, `/v2/x/${noun}/${digest}`);
            assertEquals(answer.status, 400);
            if (method !== "HEAD") assertRefused(answer, 400, "DIGEST_INVALID");
          }
        }
        const traversal = await client.send("GET", `/v2/x/blobs/sha256:${"..%2f".repeat(12)}etcd`);
        assertRefused(traversal, 400, "DIGEST_INVALID");
      });
    });

    blobContract(() => tested);
    manifestContract(() => tested);
    listingContract(() => tested);
  });
}
