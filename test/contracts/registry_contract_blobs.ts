import { beforeEach, describe, it } from "node:test";
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import {
  assertRefused,
  type Bytes,
  type Digest,
  digestOf,
  encode,
  location,
  RegistryClient,
  type RegistryUnderTest,
  withQuery,
} from "./registry_client.ts";

const CHUNK = { "Content-Type": "application/octet-stream" };

/** What a registry does with blobs (distribution-spec, "Pulling blobs", "Pushing blobs", "Deleting Blobs"). */
export function blobContract(tested: () => RegistryUnderTest): void {
  let client: RegistryClient;
  beforeEach(() => {
    client = new RegistryClient(tested());
  });

  async function assertPulled(name: string, digest: Digest, bytes: Bytes): Promise<void> {
    const head = await client.send("HEAD", `/v2/${name}/blobs/${digest}`);
    assertEquals(head.status, 200);
    assertEquals(head.headers.get("Content-Length"), String(bytes.length));
    const answer = await client.send("GET", `/v2/${name}/blobs/${digest}`);
    assertEquals(answer.status, 200);
    assertEquals(answer.headers.get("Content-Type"), "application/octet-stream");
    assertEquals(answer.headers.get("Docker-Content-Digest"), digest);
    assertEquals(answer.bytes, bytes);
  }

  async function assertAbsent(name: string, digest: Digest): Promise<void> {
    assertEquals((await client.send("HEAD", `/v2/${name}/blobs/${digest}`)).status, 404);
    assertRefused(await client.send("GET", `/v2/${name}/blobs/${digest}`), 404, "BLOB_UNKNOWN");
  }

  for (const algorithm of ["sha256", "sha512"] as const) {
    describe(`blobs by ${algorithm}`, () => {
      const name = `blobs/${algorithm}`;
      const hint = algorithm === "sha256" ? "" : "?digest-algorithm=sha512";

      it("that were never pushed are unknown", async () => {
        await assertAbsent(name, digestOf(encode("never"), algorithm));
      });

      it("are pushed by one POST", async () => {
        const bytes = encode("post only");
        const digest = digestOf(bytes, algorithm);
        const answer = await client.send("POST", `/v2/${name}/blobs/uploads/?digest=${digest}`, { body: bytes });
        assertEquals(answer.status, 201);
        assertEquals(answer.headers.get("Docker-Content-Digest"), digest);
        assertEquals((await client.send("GET", location(answer))).bytes, bytes);
        await assertPulled(name, digest, bytes);
      });

      it("are pushed by POST and PUT", async () => {
        const bytes = encode("post and put");
        const digest = digestOf(bytes, algorithm);
        const upload = await client.startUpload(name);
        const answer = await client.send("PUT", withQuery(upload, `digest=${digest}`), { body: bytes, headers: CHUNK });
        assertEquals(answer.status, 201);
        assertEquals((await client.send("GET", location(answer))).bytes, bytes);
        await assertPulled(name, digest, bytes);
      });

      it("are pushed in chunks, the last in the PUT or before it", async () => {
        for (const inPut of [true, false]) {
          const bytes = encode(`in three chunks, ${inPut}`);
          let upload = await client.startUpload(name, hint);
          const cuts = [0, 5, 11, bytes.length];
          for (let i = 0; i < (inPut ? 2 : 3); i++) {
            const [first, end] = [cuts[i], cuts[i + 1]];
            const answer = await client.send("PATCH", upload, {
              body: bytes.slice(first, end),
              headers: { ...CHUNK, "Content-Range": `${first}-${end - 1}` },
            });
            assertEquals(answer.status, 202);
            assertEquals(answer.headers.get("Range"), `0-${end - 1}`);
            upload = location(answer);
          }
          const digest = digestOf(bytes, algorithm);
          const last = { body: bytes.slice(11), headers: { ...CHUNK, "Content-Range": `11-${bytes.length - 1}` } };
          const answer = await client.send("PUT", withQuery(upload, `digest=${digest}`), inPut ? last : {});
          assertEquals(answer.status, 201, answer.text);
          await assertPulled(name, digest, bytes);
        }
      });

      it("are pushed as one stream without a length", async () => {
        const bytes = encode("streamed, nobody knows how long");
        const digest = digestOf(bytes, algorithm);
        const parts = [bytes.slice(0, 7), bytes.slice(7)];
        const body = new ReadableStream<Bytes>({
          pull(controller) {
            const part = parts.shift();
            if (part) controller.enqueue(part);
            else controller.close();
          },
        });
        const patched = await client.send("PATCH", await client.startUpload(name, hint), { body, headers: CHUNK });
        assertEquals(patched.status, 202);
        assertEquals(patched.headers.get("Range"), `0-${bytes.length - 1}`);
        const answer = await client.send("PUT", withQuery(location(patched), `digest=${digest}`));
        assertEquals(answer.status, 201);
        await assertPulled(name, digest, bytes);
      });

      it("may be empty", async () => {
        const digest = digestOf(encode(""), algorithm);
        const put = await client.send("PUT", withQuery(await client.startUpload(name), `digest=${digest}`));
        assertEquals(put.status, 201);
        await assertPulled(name, digest, encode(""));
        assertEquals((await client.send("POST", `/v2/${name}/blobs/uploads/?digest=${digest}`)).status, 201);
      });

      it("are refused, and nothing is kept, when the bytes are not those of the digest", async () => {
        const digest = digestOf(encode("what was promised"), algorithm);
        const body = encode("something else");
        const post = await client.send("POST", `/v2/${name}/blobs/uploads/?digest=${digest}`, { body });
        assertRefused(post, 400, "DIGEST_INVALID");

        const whole = withQuery(await client.startUpload(name), `digest=${digest}`);
        assertRefused(await client.send("PUT", whole, { body }), 400, "DIGEST_INVALID");

        const upload = await client.startUpload(name, hint);
        const patched = await client.send("PATCH", upload, { body, headers: CHUNK });
        const put = await client.send("PUT", withQuery(location(patched), `digest=${digest}`));
        assertRefused(put, 400, "DIGEST_INVALID");
        assertRefused(await client.send("GET", upload), 404, "BLOB_UPLOAD_UNKNOWN");

        await assertAbsent(name, digest);
        await assertAbsent(name, digestOf(body, algorithm));
      });

      it("are deleted", async () => {
        const digest = await client.pushBlob(name, "to be deleted", algorithm);
        assertEquals((await client.send("DELETE", `/v2/${name}/blobs/${digest}`)).status, 202);
        await assertAbsent(name, digest);
        assertRefused(await client.send("DELETE", `/v2/${name}/blobs/${digest}`), 404, "BLOB_UNKNOWN");
        await client.pushBlob(name, "to be deleted", algorithm);
        await assertPulled(name, digest, encode("to be deleted"));
      });
    });
  }

  describe("blobs in several repositories", () => {
    it("are seen only where they were pushed", async () => {
      const digest = await client.pushBlob("seen/here", "private");
      await assertAbsent("seen/there", digest);
      await client.pushBlob("seen/there", "private");
      assertEquals((await client.send("DELETE", `/v2/seen/here/blobs/${digest}`)).status, 202);
      await assertAbsent("seen/here", digest);
      await assertPulled("seen/there", digest, encode("private"));
    });

    it("are mounted", async () => {
      const digest = await client.pushBlob("mount/source", "mounted");
      const answer = await client.send("POST", `/v2/mount/target/blobs/uploads/?mount=${digest}&from=mount/source`);
      assertEquals(answer.status, 201);
      assertEquals(answer.headers.get("Docker-Content-Digest"), digest);
      assertEquals((await client.send("GET", location(answer))).text, "mounted");
      await assertPulled("mount/target", digest, encode("mounted"));
    });

    it("are mounted without saying from where", async () => {
      const digest = await client.pushBlob("mount/source", "mounted from anywhere");
      const answer = await client.send("POST", `/v2/mount/any/blobs/uploads/?mount=${digest}`);
      assertEquals(answer.status, 201);
      await assertPulled("mount/any", digest, encode("mounted from anywhere"));
    });

    it("are to be uploaded where a mount finds nothing", async () => {
      const bytes = encode("not there yet");
      const digest = digestOf(bytes);
      await client.pushBlob("mount/elsewhere", bytes);
      for (const from of ["mount/source", "Not A Name", "../x"]) {
        const query = `mount=${digest}&from=${encodeURIComponent(from)}`;
        const answer = await client.send("POST", `/v2/mount/missing/blobs/uploads/?${query}`);
        assertEquals(answer.status, 202);
        await assertAbsent("mount/missing", digest);
        const put = await client.send("PUT", withQuery(location(answer), `digest=${digest}`), { body: bytes });
        assertEquals(put.status, 201);
        await client.send("DELETE", `/v2/mount/missing/blobs/${digest}`);
      }
      const unknown = await client.send("POST", `/v2/mount/missing/blobs/uploads/?mount=${digestOf(encode("?"))}`);
      assertEquals(unknown.status, 202);
      const invalid = await client.send("POST", "/v2/mount/missing/blobs/uploads/?mount=sha256:zz&from=mount/source");
      assertRefused(invalid, 400, "DIGEST_INVALID");
    });
  });

  describe("ranges of a blob", () => {
    const bytes = encode(Array.from({ length: 2048 }, (_, i) => String.fromCharCode(33 + i % 90)).join(""));
    const ranges: [header: string, first: number, last: number][] = [
      ["bytes=500-1499", 500, 1499],
      ["bytes=0-0", 0, 0],
      ["bytes=500-", 500, 2047],
      ["bytes=-500", 1548, 2047],
      ["bytes=-5000", 0, 2047],
      ["bytes=2000-5000", 2000, 2047],
      ["bytes=2047-", 2047, 2047],
    ];
    for (const [header, first, last] of ranges) {
      it(`${header} are answered with 206`, async () => {
        const digest = await client.pushBlob("ranges", bytes);
        const answer = await client.send("GET", `/v2/ranges/blobs/${digest}`, { headers: { Range: header } });
        assertEquals(answer.status, 206);
        assertEquals(answer.headers.get("Content-Range"), `bytes ${first}-${last}/2048`);
        assertEquals(answer.headers.get("Docker-Content-Digest"), digest);
        assertEquals(answer.bytes, bytes.slice(first, last + 1));
      });
    }

    it("that hold no byte are answered with 416", async () => {
      const digest = await client.pushBlob("ranges", bytes);
      for (const header of ["bytes=500-0", "bytes=2048-", "bytes=5000-10000", "bytes=-0"]) {
        const answer = await client.send("GET", `/v2/ranges/blobs/${digest}`, { headers: { Range: header } });
        assertEquals(answer.status, 416, header);
        assertEquals(answer.headers.get("Content-Range"), "bytes */2048");
      }
      const empty = await client.pushBlob("ranges", "");
      const answer = await client.send("GET", `/v2/ranges/blobs/${empty}`, { headers: { Range: "bytes=0-" } });
      assertEquals(answer.status, 416);
    });

    it("of another kind are answered with the whole", async () => {
      const digest = await client.pushBlob("ranges", bytes);
      for (const header of ["bytes=0-1,5-6", "lines=1-2", "bytes=-", "bytes=x-y", "nonsense"]) {
        const answer = await client.send("GET", `/v2/ranges/blobs/${digest}`, { headers: { Range: header } });
        assertEquals(answer.status, 200, header);
        assertEquals(answer.bytes, bytes);
      }
    });

    it("do not change the answer to HEAD", async () => {
      const digest = await client.pushBlob("ranges", bytes);
      const answer = await client.send("HEAD", `/v2/ranges/blobs/${digest}`, { headers: { Range: "bytes=1-2" } });
      assertEquals([answer.status, answer.headers.get("Content-Length")], [200, "2048"]);
      assertEquals(answer.headers.get("Accept-Ranges"), "bytes");
    });
  });

  describe("an upload session", () => {
    it("has a URL that nobody can guess, and starts empty", async () => {
      const answer = await client.send("POST", "/v2/sessions/blobs/uploads/");
      assertEquals(answer.status, 202);
      assertMatch(location(answer), /^\/v2\/sessions\/blobs\/uploads\/[0-9a-f-]{36}$/);
      assertEquals(answer.headers.get("Range"), "0-0");
      assertEquals(answer.headers.get("Docker-Upload-UUID"), location(answer).split("/").at(-1));
      assertNotEquals(await client.startUpload("sessions"), location(answer));
      assertEquals((await client.send("POST", "/v2/sessions/blobs/uploads")).status, 202);
    });

    it("says how far it is", async () => {
      const upload = await client.startUpload("sessions");
      assertEquals((await client.send("GET", upload)).headers.get("Range"), "0-0");
      await client.send("PATCH", upload, { body: encode("0123456789") });
      const answer = await client.send("GET", upload);
      assertEquals(answer.status, 204);
      assertEquals(answer.headers.get("Range"), "0-9");
      assertEquals(location(answer), upload);
    });

    it("refuses a chunk out of order, says where it is, and goes on", async () => {
      const bytes = encode("0123456789");
      const digest = digestOf(bytes);
      const upload = await client.startUpload("sessions");
      const chunk = (first: number, last: number) => ({
        body: bytes.slice(first, last + 1),
        headers: { ...CHUNK, "Content-Range": `${first}-${last}` },
      });
      assertRefused(await client.send("PATCH", upload, chunk(3, 6)), 416, "BLOB_UPLOAD_INVALID");
      assertEquals((await client.send("PATCH", upload, chunk(0, 2))).status, 202);
      for (const wrong of [chunk(0, 2), chunk(2, 4), chunk(4, 9)]) {
        const refused = await client.send("PATCH", upload, wrong);
        assertRefused(refused, 416, "BLOB_UPLOAD_INVALID");
        assertEquals(refused.headers.get("Range"), "0-2");
        assertEquals(location(refused), upload);
        const put = await client.send("PUT", withQuery(upload, `digest=${digest}`), wrong);
        assertRefused(put, 416, "BLOB_UPLOAD_INVALID");
      }
      assertEquals((await client.send("PATCH", upload, chunk(3, 8))).headers.get("Range"), "0-8");
      const put = await client.send("PUT", withQuery(upload, `digest=${digest}`), chunk(9, 9));
      assertEquals(put.status, 201);
      await assertPulled("sessions", digest, bytes);
    });

    it("refuses a chunk that is not as long as it says", async () => {
      const upload = await client.startUpload("sessions");
      const headers = { ...CHUNK, "Content-Range": "0-4" };
      const long = { body: encode("0123456789"), headers: { ...headers, "Content-Length": "10" } };
      assertRefused(await client.send("PATCH", upload, long), 400, "SIZE_INVALID");
      assertEquals((await client.send("GET", upload)).status, 204); // nothing was read, nothing is lost
      for (const range of ["bytes 0-4/5", "0-", "4-0", "five"]) {
        const answer = await client.send("PATCH", await client.startUpload("sessions"), {
          body: encode("01234"),
          headers: { ...CHUNK, "Content-Range": range },
        });
        assertRefused(answer, 400, "BLOB_UPLOAD_INVALID");
      }
    });

    it("is cancelled", async () => {
      const upload = await client.startUpload("sessions");
      await client.send("PATCH", upload, { body: encode("never to be seen") });
      assertEquals((await client.send("DELETE", upload)).status, 204);
      const digest = digestOf(encode("never to be seen"));
      for (const method of ["GET", "DELETE"]) {
        assertRefused(await client.send(method, upload), 404, "BLOB_UPLOAD_UNKNOWN");
      }
      assertRefused(await client.send("PATCH", upload, { body: encode("x") }), 404, "BLOB_UPLOAD_UNKNOWN");
      assertRefused(await client.send("PUT", withQuery(upload, `digest=${digest}`)), 404, "BLOB_UPLOAD_UNKNOWN");
      await assertAbsent("sessions", digest);
    });

    it("is over once it was closed", async () => {
      const upload = await client.startUpload("sessions");
      const digest = digestOf(encode("closed"));
      await client.send("PUT", withQuery(upload, `digest=${digest}`), { body: encode("closed") });
      assertRefused(await client.send("GET", upload), 404, "BLOB_UPLOAD_UNKNOWN");
      assertRefused(await client.send("PUT", withQuery(upload, `digest=${digest}`)), 404, "BLOB_UPLOAD_UNKNOWN");
    });

    it("belongs to the repository that it was begun in", async () => {
      const upload = await client.startUpload("sessions");
      const elsewhere = upload.replace("/sessions/", "/elsewhere/");
      for (const method of ["GET", "PATCH", "PUT", "DELETE"]) {
        assertRefused(await client.send(method, elsewhere), 404, "BLOB_UPLOAD_UNKNOWN");
      }
      assertEquals((await client.send("GET", upload)).status, 204);
    });

    it("needs a digest that can be one, and survives one that can't", async () => {
      const upload = await client.startUpload("sessions");
      const sha384 = `sha384:${"0".repeat(96)}`;
      const digests = ["", "?digest=", "?digest=sha256:zz", `?digest=${sha384}`, `?digest=sha256:${"A".repeat(64)}`];
      for (const query of digests) assertRefused(await client.send("PUT", upload + query), 400, "DIGEST_INVALID");
      assertEquals((await client.send("GET", upload)).status, 204);
      for (const query of [`?digest=${sha384}`, "?digest-algorithm=sha384", "?digest=x"]) {
        assertRefused(await client.send("POST", `/v2/sessions/blobs/uploads/${query}`), 400, "DIGEST_INVALID");
      }
    });

    it("is unknown under an id that is none", async () => {
      const ids = ["x", "..%2f..%2fetc", "00000000-0000-0000-0000-000000000000", "%00", "a.b"];
      for (const id of ids) {
        assertRefused(await client.send("GET", `/v2/sessions/blobs/uploads/${id}`), 404, "BLOB_UPLOAD_UNKNOWN");
      }
    });

    it("leaves no repository behind that was never written to", async () => {
      const upload = await client.startUpload("never/written");
      await client.send("PATCH", upload, { body: encode("x") });
      assertRefused(await client.send("GET", "/v2/never/written/tags/list"), 404, "NAME_UNKNOWN");
      assert(!(await client.send("GET", "/v2/_catalog")).text.includes("never"));
    });
  });
}
