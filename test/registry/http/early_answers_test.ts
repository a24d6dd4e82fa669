// Answers over real HTTP that are given while the body of the request still comes.
import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { StoreError } from "../../../src/errors.ts";
import {
  basicAccess,
  memoryStore,
  type RegistryServer,
  type RegistryStore,
  type RequestRecord,
  s3Store,
  serveRegistry,
  type ServeRegistryOptions,
  tokenAccess,
} from "../../../src/registry/mod.ts";
import { type Bytes, digestOf, RegistryClient, withQuery } from "../../contracts/registry_client.ts";
import { failure, FakeS3 } from "../../fakes/fake_s3.ts";
import { rawUpload } from "../../make/raw_http.ts";
import { watchedSource } from "../../make/streams.ts";
import { wrapStore } from "../stores/wrapped_store.ts";

const size = 20_000_000; // more than sockets buffer without a reader
const digest = digestOf(new Uint8Array(size));

/** What a client gets. */
interface Got {
  readonly status: number;
  readonly codes: string[];
}

const clients: Record<string, (server: RegistryServer, method: string, path: string) => Promise<Got>> = {
  "that sends all of its chunks first": (server, method, path) => sendFirst(server, `${method} ${path}`, true),
  "that sends all of a known length first": (server, method, path) => sendFirst(server, `${method} ${path}`, false),
  async "that listens"(server, method, path) {
    const body = watchedSource(new Uint8Array(size), 65536).stream;
    const answer = await fetch(server.url + path, { method, body, duplex: "half" } as RequestInit);
    return { status: answer.status, codes: codesOf(await answer.text()) };
  },
};

async function sendFirst(server: RegistryServer, request: string, chunked: boolean): Promise<Got> {
  const { status, headers, body } = await rawUpload(server.port, `${request} HTTP/1.1`, { size, chunked });
  assertEquals([headers["content-type"], headers["content-length"]], ["application/json", String(body.length)]);
  return { status, codes: codesOf(body) };
}

function codesOf(body: string): string[] {
  return JSON.parse(body).errors.map(({ code }: { code: string }) => code);
}

/**
 * Runs a request with each kind of client against a registry of its own, and returns the results and the reported
 * events.
 */
async function byEach(
  options: () => ServeRegistryOptions,
  request: (client: RegistryClient) => Promise<[method: string, path: string]>,
): Promise<{ client: string; got: Got; errors: unknown[]; record: RequestRecord; failures: string | undefined }[]> {
  const results = [];
  for (const [client, send] of Object.entries(clients)) {
    const errors: unknown[] = [];
    const records: RequestRecord[] = [];
    const server = await serveRegistry({
      ...options(),
      onError: (error) => errors.push(error),
      onRequest: (record) => records.push(record),
    });
    try {
      const [method, path] = await request(new RegistryClient({ fetch, base: server.url }));
      const got = await send(server, method, path);
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      const record = records.findLast((record) => record.method === method)!;
      results.push({ client, got, errors, record, failures: /^\S+_failures_total (\d+)$/m.exec(metrics)?.[1] });
    } finally {
      await server.shutdown();
    }
  }
  return results;
}

const startUpload = async (client: RegistryClient) => new URL(await client.startUpload("app"), "http://x");

const uploads: Record<string, (client: RegistryClient) => Promise<[method: string, path: string]>> = {
  PATCH: async (client) => ["PATCH", (await startUpload(client)).pathname],
  "PUT of a session": async (client) => ["PUT", withQuery((await startUpload(client)).pathname, `digest=${digest}`)],
  "POST in one request": () => Promise.resolve(["POST", `/v2/app/blobs/uploads/?digest=${digest}`]),
};

/** A store that fails after the first bytes of an upload. */
function failing(leave: (reader: ReadableStreamDefaultReader<Bytes>) => void): RegistryStore {
  return wrapStore(memoryStore(), async (operation, ...args) => {
    if (operation !== "uploads.append") return;
    const reader = (args[1] as ReadableStream<Bytes>).getReader();
    await reader.read();
    leave(reader);
    throw new StoreError("no room");
  });
}

const stores: Record<string, () => RegistryStore> = {
  "that drops the body": () => failing((reader) => void reader.cancel(new Error("no room")).catch(() => {})),
  "that leaves the body": () => failing(() => {}),
  "on an S3 that fails": () => {
    const s3 = new FakeS3({
      instead: (request) => request.url.includes("partNumber=") ? failure(507, "InsufficientStorage") : undefined,
    });
    return s3Store({ ...s3.keys, fetch: s3.fetch, retry: { delayMs: 0 } });
  },
};

for (const [kind, store] of Object.entries(stores)) {
  describe(`a store ${kind} while a body comes in`, () => {
    for (const [name, request] of Object.entries(uploads)) {
      it(`is an answer to ${name}, is told and is counted`, { timeout: 120_000 }, async () => {
        for (const { client, got, errors, record, failures } of await byEach(() => ({ store: store() }), request)) {
          assertEquals(got, { status: 500, codes: ["UNKNOWN"] }, `a client ${client}`);
          assertEquals(errors.map((error) => error instanceof StoreError), [true], `a client ${client}`);
          assertEquals([record.status, failures], [500, "1"], `a client ${client}`);
        }
      });
    }
  });
}

describe("a registry that does not want a body", () => {
  const users = { ann: "1" };
  const manifest = () => Promise.resolve<[string, string]>(["PUT", "/v2/app/manifests/v1"]);
  const refusals: {
    name: string;
    options?: ServeRegistryOptions;
    request: (client: RegistryClient) => Promise<[method: string, path: string]>;
    expected: Got;
  }[] = [
    {
      name: "a manifest that is too large",
      options: { manifestLimit: 100_000 },
      request: manifest,
      expected: { status: 413, codes: ["SIZE_INVALID"] },
    },
    {
      name: "a form that is too large",
      options: { access: tokenAccess({ users }) },
      request: () => Promise.resolve(["POST", "/token"]),
      expected: { status: 413, codes: ["UNSUPPORTED"] },
    },
    {
      name: "what comes without credentials",
      options: { access: basicAccess({ users }) },
      request: uploads["POST in one request"],
      expected: { status: 401, codes: ["UNAUTHORIZED"] },
    },
    {
      name: "what a registry that is read-only is sent",
      options: { readOnly: true },
      request: manifest,
      expected: { status: 405, codes: ["UNSUPPORTED"] },
    },
    {
      name: "bytes of an upload that is not there",
      request: () => Promise.resolve(["PATCH", `/v2/app/blobs/uploads/${crypto.randomUUID()}`]),
      expected: { status: 404, codes: ["BLOB_UPLOAD_UNKNOWN"] },
    },
    {
      name: "a blob with what is no digest",
      request: () => Promise.resolve(["POST", "/v2/app/blobs/uploads/?digest=x"]),
      expected: { status: 400, codes: ["DIGEST_INVALID"] },
    },
  ];
  for (const { name, options = {}, request, expected } of refusals) {
    it(`refuses ${name} with an answer`, { timeout: 120_000 }, async () => {
      for (const { client, got, errors, record } of await byEach(() => options, request)) {
        assertEquals([got, record.status, errors], [expected, expected.status, []], `a client ${client}`);
      }
    });
  }
});
