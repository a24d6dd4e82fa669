import type { Check } from "./checks.ts";
import {
  type Algorithm,
  assert,
  digestOf,
  encode,
  expect,
  expectError,
  location,
  sameBytes,
  Skipped,
  withQuery,
  type World,
} from "./world.ts";

const OCTETS = { "Content-Type": "application/octet-stream" };

/** Pulls a blob and checks that it is what was pushed. */
async function assertBlob(
  world: World,
  digest: string,
  bytes: Uint8Array,
  repository = world.repository,
): Promise<void> {
  const head = expect(await world.send("HEAD", `/v2/${repository}/blobs/${digest}`), 200);
  const length = head.headers.get("Content-Length");
  assert(length === String(bytes.length), head, `Content-Length is ${length}, not ${bytes.length}`);
  const got = expect(await world.send("GET", `/v2/${repository}/blobs/${digest}`), 200);
  assert(sameBytes(got.bytes, bytes), got, "the bytes are not those that were pushed");
}

/** Uploads in chunks. */
async function pushChunks(world: World, bytes: Uint8Array<ArrayBuffer>, algorithm: Algorithm, lastByPut: boolean) {
  let upload = location(
    expect(await world.send("POST", `blobs/uploads/${algorithm === "sha512" ? "?digest-algorithm=sha512" : ""}`), 202),
  );
  const half = Math.floor(bytes.length / 2);
  const chunk = (first: number, end: number) => ({
    body: bytes.slice(first, end),
    headers: { ...OCTETS, "Content-Range": `${first}-${end - 1}`, "Content-Length": String(end - first) },
  });
  const first = expect(await world.send("PATCH", upload, chunk(0, half)), 202);
  assert(
    first.headers.get("Range") === `0-${half - 1}`,
    first,
    `Range is ${first.headers.get("Range")}, not 0-${half - 1}`,
  );
  upload = location(first);
  const digest = digestOf(bytes, algorithm);
  if (lastByPut) {
    expect(await world.send("PUT", withQuery(upload, `digest=${digest}`), chunk(half, bytes.length)), 201);
  } else {
    upload = location(expect(await world.send("PATCH", upload, chunk(half, bytes.length)), 202));
    expect(await world.send("PUT", withQuery(upload, `digest=${digest}`)), 201);
  }
  await assertBlob(world, digest, bytes);
}

/** Checks of one algorithm; a registry need not know SHA-512. */
function byAlgorithm(algorithm: Algorithm): Check[] {
  const of = (title: string, run: (world: World) => Promise<void>): Check => ({
    workflow: "push",
    title: `${title} (${algorithm})`,
    run: algorithm === "sha256" ? run : async (world) => {
      try {
        await world.push("is sha512 known here?", undefined, "sha512");
      } catch {
        throw new Skipped("the registry does not know SHA-512");
      }
      await run(world);
    },
  });
  const bytes = (title: string) => encode(`${title} by ${algorithm}`);
  return [
    of("a blob by POST, then PUT", async (world) => {
      const content = bytes("post and put");
      await assertBlob(world, await world.push(content, undefined, algorithm), content);
    }),
    of("a blob by a single POST, or 202 to go on", async (world) => {
      const content = bytes("single post");
      const digest = digestOf(content, algorithm);
      const answer = await world.send("POST", `blobs/uploads/?digest=${digest}`, { body: content, headers: OCTETS });
      if (expect(answer, 201, 202).status === 202) {
        const upload = withQuery(location(answer), `digest=${digest}`);
        expect(await world.send("PUT", upload, { body: content, headers: OCTETS }), 201);
      }
      await assertBlob(world, digest, content);
    }),
    of("a blob in chunks, the last one by PATCH", (world) => pushChunks(world, bytes("chunks"), algorithm, false)),
    of("a blob in chunks, the last one by PUT", (world) => pushChunks(world, bytes("chunks, put"), algorithm, true)),
    of("a blob by one PATCH without a range (streamed)", async (world) => {
      const content = bytes("streamed");
      const digest = digestOf(content, algorithm);
      const hint = algorithm === "sha512" ? "?digest-algorithm=sha512" : "";
      const upload = location(expect(await world.send("POST", `blobs/uploads/${hint}`), 202));
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(content);
          controller.close();
        },
      });
      const patched = expect(await world.send("PATCH", upload, { body, headers: OCTETS }), 202);
      expect(await world.send("PUT", withQuery(location(patched), `digest=${digest}`)), 201);
      await assertBlob(world, digest, content);
    }),
    of("an empty blob", async (world) => {
      const empty = new Uint8Array(0);
      await assertBlob(world, await world.push(empty, undefined, algorithm), empty);
    }),
    of("a wrong digest is refused", async (world) => {
      const digest = digestOf(bytes("promised"), algorithm);
      const upload = await world.startUpload();
      const answer = await world.send("PUT", withQuery(upload, `digest=${digest}`), { body: "other", headers: OCTETS });
      expectError(answer, [400], ["DIGEST_INVALID", "BLOB_UPLOAD_INVALID"]);
      expect(await world.send("HEAD", `blobs/${digest}`), 404);
    }),
  ];
}

/** Blobs: pushed in every way, mounted, cancelled, read in parts. */
export const blobChecks: readonly Check[] = [
  {
    workflow: "pull",
    title: "a blob that is not there is 404",
    run: async (world) => {
      const digest = digestOf(encode("never pushed"));
      expect(await world.send("HEAD", `blobs/${digest}`), 404);
      expectError(await world.send("GET", `blobs/${digest}`), [404], ["BLOB_UNKNOWN", "NAME_UNKNOWN"]);
    },
  },
  {
    workflow: "pull",
    title: "a part of a blob by Range",
    run: async (world) => {
      const bytes = encode(Array.from({ length: 2000 }, (_, index) => String.fromCharCode(33 + index % 90)).join(""));
      const digest = await world.push(bytes);
      for (
        const [range, first, end] of [["bytes=500-1499", 500, 1500], ["bytes=500-", 500, 2000], [
          "bytes=-500",
          1500,
          2000,
        ]] as const
      ) {
        const answer = expect(await world.send("GET", `blobs/${digest}`, { headers: { Range: range } }), 206, 200);
        if (answer.status === 200) throw new Skipped("the registry does not give parts of blobs");
        assert(sameBytes(answer.bytes, bytes.slice(first, end)), answer, `${range} gives other bytes`);
      }
      const beyond = await world.send("GET", `blobs/${digest}`, { headers: { Range: "bytes=5000-6000" } });
      expect(beyond, 416);
    },
  },
  ...byAlgorithm("sha256"),
  ...byAlgorithm("sha512"),
  {
    workflow: "push",
    title: "a chunk out of order is 416, and the upload goes on",
    run: async (world) => {
      const bytes = encode("0123456789");
      const upload = await world.startUpload();
      const chunk = (first: number, end: number) => ({
        body: bytes.slice(first, end),
        headers: { ...OCTETS, "Content-Range": `${first}-${end - 1}` },
      });
      expect(await world.send("PATCH", upload, chunk(3, 6)), 416);
      const first = expect(await world.send("PATCH", upload, chunk(0, 3)), 202);
      const status = expect(await world.send("GET", location(first)), 204);
      assert(status.headers.get("Range") === "0-2", status, `Range is ${status.headers.get("Range")}, not 0-2`);
      const second = expect(await world.send("PATCH", location(status), chunk(3, 10)), 202);
      expect(await world.send("PUT", withQuery(location(second), `digest=${digestOf(bytes)}`)), 201);
    },
  },
  {
    workflow: "push",
    title: "an upload is cancelled",
    run: async (world) => {
      const upload = await world.startUpload();
      expect(await world.send("DELETE", upload), 204, 202);
      expect(await world.send("GET", upload), 404);
    },
  },
  {
    workflow: "push",
    title: "a blob is mounted from another repository, or 202 to upload it",
    run: async (world) => {
      const digest = await world.push("mounted", world.other);
      const query = `mount=${digest}&from=${world.other}`;
      const answer = await world.send("POST", `blobs/uploads/?${query}`, { from: world.other });
      if (expect(answer, 201, 202).status === 201) {
        location(answer);
        await assertBlob(world, digest, encode("mounted"));
      } else location(answer);
    },
  },
  {
    workflow: "push",
    title: "a blob is mounted from anywhere, or 202 to upload it",
    run: async (world) => {
      const digest = await world.push("mounted from anywhere", world.other);
      location(expect(await world.send("POST", `blobs/uploads/?mount=${digest}`), 201, 202));
    },
  },
  {
    workflow: "push",
    title: "a mount of what is not there is 202",
    run: async (world) => {
      const digest = digestOf(encode("nowhere"));
      const answer = await world.send("POST", `blobs/uploads/?mount=${digest}&from=${world.other}`, {
        from: world.other,
      });
      location(expect(answer, 202));
    },
  },
];
