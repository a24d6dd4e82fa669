import { ManifestError } from "../errors.ts";
import { type AbortOptions, lazy, observe } from "../io/mod.ts";
import {
  type CompressedLayerCore,
  embedded,
  type Image,
  imageFromCompressed,
  type ImageIndex,
  indexFrom,
  type Layer,
  layerFromCompressed,
  type OtherManifest,
  type ProgressListener,
  ProgressReporter,
} from "../image/mod.ts";
import { type AnyManifest, otherManifest } from "../graph/mod.ts";
import type { Repository } from "../name/mod.ts";
import type { Bytes, ByteStream } from "../runtime/mod.ts";
import { type Descriptor, hashHexDigits, isIndex, manifestKind } from "../spec/mod.ts";
import { blobResponse, headBlob, mayReadBlob, openBlob } from "./blob_fetch.ts";
import type { Client } from "./client.ts";
import { type FetchedManifest, fetchManifest } from "./manifest_fetch.ts";

/** The source of a view of a registry's content. */
export interface ViewContext {
  /** The client. */
  readonly client: Client;
  /** The repository. */
  readonly repository: Repository;
  /** Called with the progress of each download. */
  readonly onReadProgress?: ProgressListener;
}

/** Creates the view of a manifest that was read: an index, or else an image. */
export function viewOf(context: ViewContext, fetched: FetchedManifest, what: string): Image | ImageIndex {
  const rawManifest = () => Promise.resolve(fetched.bytes);
  return isIndex(fetched.descriptor.mediaType)
    ? indexView(context, fetched.descriptor, rawManifest, what)
    : imageView(context, fetched.descriptor, rawManifest, what);
}

/** Creates the view of a manifest of any type that was read. */
export function anyView(context: ViewContext, fetched: FetchedManifest, what: string): AnyManifest {
  const { bytes, descriptor } = fetched;
  if (manifestKind(descriptor.mediaType) !== "other") return viewOf(context, fetched, what);
  return otherView(context, descriptor, () => Promise.resolve(bytes), what);
}

/** Creates the view of a layer, or of any other blob, of a repository. */
export function remoteLayer(context: ViewContext, descriptor: Descriptor): Layer {
  return layerFromCompressed({ descriptor, ...blobCore(context, descriptor) });
}

function imageView(
  context: ViewContext,
  descriptor: Descriptor,
  rawManifest: (options?: AbortOptions) => Promise<Bytes>,
  what: string,
): Image {
  return imageFromCompressed({
    rawManifest,
    mediaType: descriptor.mediaType,
    descriptor,
    what,
    blob: (blob) => blobCore(context, blob),
  });
}

function indexView(
  context: ViewContext,
  descriptor: Descriptor,
  rawManifest: (options?: AbortOptions) => Promise<Bytes>,
  what: string,
): ImageIndex {
  const fetchChild = (child: Descriptor) => lazy(() => fetchChildManifest(context, child));
  const nameOf = (child: Descriptor) => `${context.repository}@${child.digest}`;
  return indexFrom({
    rawManifest,
    mediaType: descriptor.mediaType,
    descriptor,
    what,
    image: (child) => imageView(context, child, fetchChild(child), nameOf(child)),
    index: (child) => indexView(context, child, fetchChild(child), nameOf(child)),
    blob: (child) => remoteLayer(context, child),
    manifest: (child) => otherView(context, child, fetchChild(child), nameOf(child)),
    isManifest: async ({ digest }, options) => !await mayReadBlob(context.client, context.repository, digest, options),
  });
}

function otherView(
  context: ViewContext,
  descriptor: Descriptor,
  rawManifest: (options?: AbortOptions) => Promise<Bytes>,
  what: string,
): OtherManifest {
  return otherManifest({
    rawManifest,
    descriptor,
    blob: (blob) => blobCore(context, blob),
    sizeOf: async (digest, options) => (await headBlob(context.client, context.repository, digest, options)).size,
    what,
  });
}

async function fetchChildManifest({ client, repository }: ViewContext, child: Descriptor): Promise<Bytes> {
  const carried = await embedded(child);
  if (carried) return carried;
  const { bytes } = await fetchManifest(client, repository.digest(child.digest));
  if (bytes.length !== child.size) {
    throw new ManifestError(
      `${repository}@${child.digest} has ${bytes.length} bytes where its index says ${child.size}`,
    );
  }
  return bytes;
}

function blobCore(context: ViewContext, descriptor: Descriptor): Omit<CompressedLayerCore, "descriptor"> {
  const { client, repository, onReadProgress } = context;
  const isPassed = onReadProgress === undefined && (descriptor.urls ?? []).length === 0;
  return {
    async compressed(options) {
      const stream = await openBlob(client, repository, descriptor, options);
      return onReadProgress ? reported(stream, descriptor, onReadProgress, options?.offset) : stream;
    },
    ranges: true,
    origin: { registry: repository.registry.name, repository: repository.path },
    place: isPassed
      ? { kind: "response", get: (options) => blobResponse(client, repository, descriptor, options) }
      : undefined,
    what: `blob ${descriptor.digest} of ${repository}`,
  };
}

/** Reports the progress of a download. */
function reported(
  stream: ByteStream,
  { digest, size }: Descriptor,
  listener: ProgressListener,
  offset = 0,
): ByteStream {
  const label = hashHexDigits(digest).slice(0, 12);
  const reporter = new ProgressReporter(listener, { id: digest, label, kind: "read", total: size });
  reporter.advance(offset);
  return observe(stream, {
    chunk: (bytes) => reporter.advance(bytes.length),
    settled: (error) => reporter.end(error === undefined ? "done" : "failed"),
  });
}
