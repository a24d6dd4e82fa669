import { noise } from "./bytes.ts";
import type { Layer } from "../../src/image/mod.ts";
import { parseReference, type Reference } from "../../src/name/mod.ts";
import { Puller, Pusher, type RemoteOptions } from "../../src/remote/mod.ts";
import type { Bytes } from "../../src/runtime/mod.ts";
import { jsonBytes } from "../../src/spec/internal.ts";
import { type Descriptor, MediaType } from "../../src/spec/mod.ts";
import { digestOf, type FakeFetch, fakeFetch, type FakeNetwork, FakeRegistry } from "../fakes/mod.ts";

/** Where the fake registry of most tests is. */
export const HOME = "https://registry.example.com";

/** A puller and a pusher in a fake network, what they asked, and how long they meant to wait. */
export interface Remoting extends FakeFetch {
  readonly puller: Puller;
  readonly pusher: Pusher;
  readonly waits: number[];
}

/** A puller and a pusher for a fake registry, or a whole fake network. They do not really wait. */
export function remoting(network: FakeRegistry | FakeNetwork, options: RemoteOptions = {}): Remoting {
  const faked = fakeFetch(network instanceof FakeRegistry ? { [HOME]: network.handle } : network);
  const waits: number[] = [];
  const wait = (ms: number) => {
    waits.push(ms);
    return Promise.resolve();
  };
  const all = { fetch: faked.fetch, ...options, retry: { wait, random: () => 0, ...options.retry } };
  return { ...faked, waits, puller: new Puller(all), pusher: new Pusher(all) };
}

/** A reference in the fake registry. */
export function at(text: string): Reference {
  return parseReference(`registry.example.com/${text}`);
}

/** What was asked, pings left out: `GET /v2/app/manifests/v1`. */
export function lines({ requests }: Pick<FakeFetch, "requests">): string[] {
  return requests.filter(({ path }) => path !== "/v2/").map(({ method, path }) => `${method} ${path}`);
}

/** Puts an image there, with these layers as they are. */
export function addImage(
  registry: FakeRegistry,
  repository: string,
  options: { tag?: string; layers?: Bytes[]; change?: (manifest: Record<string, unknown>) => void } = {},
): { descriptor: Descriptor; config: Bytes; layers: Bytes[] } {
  const { layers = [noise(1000), noise(2000, 2)], change = () => {} } = options;
  const rootfs = { type: "layers", diff_ids: layers.map(digestOf) };
  const config = jsonBytes({ os: "linux", architecture: "amd64", rootfs });
  const describe = (bytes: Bytes, mediaType: string) => ({
    mediaType,
    digest: registry.addBlob(repository, bytes),
    size: bytes.length,
  });
  const manifest = {
    schemaVersion: 2,
    mediaType: MediaType.OciManifest as string,
    config: describe(config, MediaType.OciConfig),
    layers: layers.map((layer) => describe(layer, MediaType.OciLayer)),
  };
  change(manifest);
  const bytes = jsonBytes(manifest);
  const { mediaType } = manifest;
  const digest = registry.addManifest(repository, { bytes, mediaType }, options.tag);
  return { descriptor: { mediaType, digest, size: bytes.length }, config, layers };
}

/** Puts an index there. */
export function addIndex(
  registry: FakeRegistry,
  repository: string,
  manifests: readonly object[],
  tag?: string,
): Descriptor {
  const mediaType = MediaType.OciImageIndex;
  const bytes = jsonBytes({ schemaVersion: 2, mediaType, manifests });
  return { mediaType, digest: registry.addManifest(repository, { bytes, mediaType }, tag), size: bytes.length };
}

/** The bytes of a layer as they are stored. */
export async function contentOf(layer: Layer): Promise<Bytes> {
  return new Uint8Array(await new Response(await layer.compressed()).arrayBuffer());
}

/** What was asked in an upload, without the names of sessions. */
export function steps(remote: Remoting): string[] {
  return lines(remote).map((line) =>
    line.replace(/session-\d+\?_state=[^&]*/, "S").replace(/sha256(:|%3A)[0-9a-f]{64}/g, "D")
  );
}
