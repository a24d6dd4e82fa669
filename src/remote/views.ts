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
  ProgressReporter,
} from "../image/mod.ts";
import type { Repository } from "../name/mod.ts";
import type { Bytes, ByteStream } from "../runtime/mod.ts";
import { type Descriptor, hashHexDigits, isIndex } from "../spec/mod.ts";
import { openBlob } from "./blob_fetch.ts";
import type { RemoteClient } from "./client.ts";
import { type FetchedManifest, fetchManifest } from "./manifest_fetch.ts";

/** Where a view of a registry's content reads. */
export interface ViewContext {
  /** How it speaks to the registry. */
  readonly client: RemoteClient;
  /** The repository. */
  readonly repository: Repository;
}

/** A view of a manifest that was fetched already: an index, or else an image. */
export function viewOf(context: ViewContext, fetched: FetchedManifest, what: string): Image | ImageIndex {
  const rawManifest = () => Promise.resolve(fetched.bytes);
  return isIndex(fetched.descriptor.mediaType)
    ? indexView(context, fetched.descriptor, rawManifest, what)
    : imageView(context, fetched.descriptor, rawManifest, what);
}

/** A layer, or any other blob, of a repository. */
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

function blobCore(
  { client, repository }: ViewContext,
  descriptor: Descriptor,
): Omit<CompressedLayerCore, "descriptor"> {
  return {
    compressed: async (options) => {
      const stream = await openBlob(client, repository, descriptor, options);
      return reported(client, descriptor, stream);
    },
    origin: { registry: repository.registry.name, repository: repository.repository },
    what: `blob ${descriptor.digest} of ${repository}`,
  };
}

/** Tells the listener how far a download is, if there is a listener. */
function reported(client: RemoteClient, descriptor: Descriptor, stream: ByteStream): ByteStream {
  const { onReadProgress } = client.options;
  if (!onReadProgress) return stream;
  const reporter = new ProgressReporter(onReadProgress, {
    id: descriptor.digest,
    label: hashHexDigits(descriptor.digest).slice(0, 12),
    kind: "read",
    total: descriptor.size,
  });
  reporter.advance(0);
  return observe(stream, {
    chunk: (bytes) => reporter.advance(bytes.length),
    settled: (error) => reporter.end(error === undefined ? "done" : "failed"),
  });
}
