import {
  type BlobOrigin,
  type Image,
  imageFromUncompressed,
  type Layer,
  layerFromCompressed,
} from "../../src/image/mod.ts";
import { parseRepository, type Repository } from "../../src/name/mod.ts";
import { Pusher, type RemoteOptions } from "../../src/remote/mod.ts";
import { type Bytes, type ByteStream, pullStream } from "../../src/runtime/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { MediaType } from "../../src/spec/mod.ts";
import {
  digestOf,
  type FakeAnswer,
  fakeFetch,
  type FakeRegistry,
  fakeServer,
  problem,
  type RecordedRequest,
} from "../fakes/mod.ts";

/** How requests go: to a registry in memory, or to one over a socket. */
export const WAYS = ["in memory", "over the wire"] as const;

/** A pusher to a fake registry. */
export interface Pushing {
  readonly pusher: Pusher;
  readonly repository: Repository;
  readonly requests: RecordedRequest[];
  /** What was asked of uploads, without the names of sessions. */
  steps(): string[];
}

/** Runs a test with a pusher to a fake registry, which does not really wait. */
export async function pushing(
  registry: FakeRegistry,
  way: (typeof WAYS)[number],
  options: RemoteOptions,
  test: (pushing: Pushing) => Promise<void>,
): Promise<void> {
  const server = way === "over the wire" ? await fakeServer(registry.handle) : undefined;
  const faked = server ? undefined : fakeFetch({ "https://registry.example.com": registry.handle });
  const requests = server?.requests ?? faked!.requests;
  const retry = { wait: () => Promise.resolve(), random: () => 0, ...options.retry };
  const pusher = new Pusher({ ...(faked ? { fetch: faked.fetch } : {}), ...options, retry });
  const repository = parseRepository(`${server?.host ?? "registry.example.com"}/app`);
  const steps = () =>
    requests.filter(({ path }) => path.includes("/uploads/")).map(({ method, path, status }) =>
      `${method} ${
        path.replace(/^.*\/uploads\//, "").replace(/\?_state=[^&]*&?/, " ").replace(/sha256.*/, "D")
      } ${status}`
        .replace(/ +/g, " ")
    );
  try {
    await test({ pusher, repository, requests, steps });
  } finally {
    await server?.close();
  }
}

/** A layer, and what becomes of the streams of it. */
export interface WatchedLayer {
  readonly layer: Layer;
  /** How many streams were opened, and how many are neither at their end nor cancelled. */
  readonly streams: { opened: number; open: number };
}

/** A layer of bytes in chunks of 64 KiB, from some repository perhaps. */
export function watchedLayer(bytes: Bytes, origin?: BlobOrigin): WatchedLayer {
  const streams = { opened: 0, open: 0 };
  const digest = digestOf(bytes);
  const layer = layerFromCompressed({
    descriptor: { mediaType: MediaType.OciLayer, digest, size: bytes.length },
    diffId: () => Promise.resolve(digest),
    origin,
    compressed: () => {
      streams.opened++;
      streams.open++;
      return Promise.resolve(chunked(bytes, () => streams.open--));
    },
  });
  return { layer, streams };
}

/** Converts bytes into a stream; `over` is called once at its end or cancellation. */
function chunked(bytes: Bytes, over: () => void): ByteStream {
  let at = 0;
  let isOver = false;
  const end = () => {
    if (!isOver) over();
    isOver = true;
  };
  return pullStream({
    read() {
      if (at >= bytes.length) {
        end();
        return undefined;
      }
      return bytes.slice(at, at += 65536);
    },
    cancel: end,
  });
}

/** An image of these layers, whose digests need not be known. */
export function imageOf(...layers: Layer[]): Image {
  return imageFromUncompressed({
    rawConfigFile: async () => {
      const diff_ids = [];
      for (const layer of layers) diff_ids.push(await layer.diffId());
      return jsonBytes({ os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids } });
    },
    layers: () => Promise.resolve(layers),
  });
}

/** An error, after which the connection is closed, as servers do that have not read all of a body. */
export function failing(status: number, code = "UNKNOWN"): FakeAnswer {
  return { ...problem(status, code), headers: { connection: "close" } };
}
