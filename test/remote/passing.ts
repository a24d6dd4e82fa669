import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals } from "@std/assert";
import { layerOfContent } from "../../src/image/internal.ts";
import { type Image, type Layer, layerFromBytes } from "../../src/image/mod.ts";
import { createLayout } from "../../src/layout/mod.ts";
import { parseRepository, type Repository } from "../../src/name/mod.ts";
import { Puller, Pusher, type RemoteOptions } from "../../src/remote/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import type { Hash } from "../../src/spec/mod.ts";
import { type SavedLayout, tarballContents, tarballFile, writeOciArchive } from "../../src/tarball/mod.ts";
import { FakeRegistry, type FakeServer, fakeServer, type RecordedRequest } from "../fakes/mod.ts";
import { imageOf } from "./pushing.ts";
import { noise } from "../make/bytes.ts";
import { collect } from "../make/streams.ts";
import { until } from "../make/waiting.ts";

/** Where the bytes of a layer lie that can be passed on whole. */
export const SOURCES = ["registry", "file", "archive"] as const;

/** When the archive was written, in seconds since 1970. */
const TIME = 1_700_000_000;

/** What is passed on. */
export const CONTENT: Bytes = noise(3_000_000, 31);

/** A layer in a registry, in a file of a layout or in a part of an archive, and another registry that it is sent to, all over real sockets. */
export interface Passing {
  readonly layer: Layer;
  readonly digest: Hash;
  /** From where the layer's content was opened as a stream, each time. */
  readonly streams: readonly number[];
  readonly pusher: Pusher;
  readonly repository: Repository;
  readonly source: FakeRegistry;
  readonly target: FakeRegistry;
  /** The requests for uploads. */
  uploads(): readonly RecordedRequest[];
  /** The methods and statuses of the requests for uploads. */
  steps(): string[];
  /** The requests that read the layer, where it lies in a registry. */
  reads(): readonly RecordedRequest[];
  /** Replaces the layer's bytes where they lie. */
  replace(bytes: Bytes): void;
  /** Shortens the layer's file. */
  shorten(size: number): void;
  /** Checks that the target holds the layer as it is. */
  checkArrived(): void;
}

/** Runs a test with such a layer; afterwards no request may be under way and no file open. */
export async function passing(
  kind: (typeof SOURCES)[number],
  test: (passing: Passing) => Promise<void>,
  { content = CONTENT, ...options }: RemoteOptions & { content?: Bytes } = {},
): Promise<void> {
  const [source, target] = [new FakeRegistry(), new FakeRegistry()];
  const folder = mkdtempSync(join(tmpdir(), "gcrane_passing_"));
  const servers: FakeServer[] = [];
  try {
    servers.push(await fakeServer(source.handle), await fakeServer(target.handle));
    const [from, to] = servers;
    const retry = { wait: () => Promise.resolve(), random: () => 0 };
    const pusher = new Pusher({ retry, ...options });
    const digest = source.addBlob("app", content);
    const archive = join(folder, "archive.tar");
    const lying = kind === "registry"
      ? await new Puller({ client: pusher.client }).layer(parseRepository(`${from.host}/app`).digest(digest))
      : kind === "file"
      ? await inLayout(join(folder, "layout"), content)
      : await inArchive(archive, content);
    const streams: number[] = [];
    const layer = layerOfContent({
      ...lying.content,
      open(options) {
        streams.push(options?.offset ?? 0);
        return lying.content.open(options);
      },
    }, await lying.descriptor());
    const path = kind === "archive" ? archive : join(folder, "layout", "blobs", ...digest.split(":"));
    const start = kind === "archive" ? (lying.content.place as { offset: number }).offset : 0;
    const uploads = () => to.requests.filter(({ path }) => path.includes("/uploads/"));
    await test({
      layer,
      digest,
      streams,
      pusher,
      repository: parseRepository(`${to.host}/app`),
      source,
      target,
      uploads,
      steps: () => uploads().map(({ method, status }) => `${method} ${status}`),
      reads: () => from.requests.filter(({ method, path }) => method === "GET" && path.includes("/blobs/")),
      replace: (bytes) =>
        kind === "registry" ? void source.blobsOf("app").set(digest, bytes) : overwrite(path, bytes, start),
      shorten: (size) => truncateSync(path, start + size),
      checkArrived: () => assertEquals(target.blobsOf("app").get(digest), content),
    });
    // Runtimes let go of a connection some seconds after a request.
    await until(() => openFiles(folder).length === 0, { what: () => `the end of open files: ${openFiles(folder)}` });
    const open = () => servers.flatMap(({ requests }) => requests.filter(({ over }) => !over));
    await until(() => open().length === 0, {
      what: () => `the end of ${open().map((it) => `${it.method} ${it.path}`)}`,
    });
  } finally {
    for (const server of servers) await server.close();
    rmSync(folder, { recursive: true });
  }
}

async function inLayout(path: string, content: Bytes): Promise<Layer> {
  const layout = await createLayout(path);
  await layout.appendImage(imageOf(await layerFromBytes(content, { compression: "none" })));
  return (await (await layout.image()).layers())[0];
}

async function inArchive(path: string, content: Bytes): Promise<Layer> {
  writeFileSync(
    path,
    await collect(writeOciArchive([{ view: imageOf(await layerFromBytes(content, { compression: "none" })) }])),
  );
  utimesSync(path, TIME, TIME);
  const contents = await tarballContents(tarballFile(path));
  const [{ view }] = await (contents as SavedLayout).index.children();
  return (await (view as Image).layers())[0];
}

/** Replaces a part of a file that seems unchanged afterwards. */
function overwrite(path: string, bytes: Bytes, start: number): void {
  const file = openSync(path, "r+");
  writeSync(file, bytes, 0, bytes.length, start);
  closeSync(file);
  utimesSync(path, TIME, TIME);
}

/** The files in a folder that this process has open. */
function openFiles(folder: string): string[] {
  return readdirSync("/proc/self/fd").flatMap((number) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${number}`);
      return path.startsWith(folder) ? [path] : [];
    } catch {
      return [];
    }
  });
}
