import { ManifestError } from "../errors.ts";
import { type AbortOptions, lazy, observe } from "../io/mod.ts";
import { embedded, ProgressReporter } from "../image/internal.ts";
import {
  type CompressedLayerCore,
  type Image,
  imageFromCompressed,
  type ImageIndex,
  indexFrom,
  type Layer,
  layerFromCompressed,
  type OtherManifest,
  type ProgressListener,
} from "../image/mod.ts";
import { otherManifest } from "../graph/internal.ts";
import type { AnyManifest } from "../graph/mod.ts";
import { timeoutsOf } from "../http/mod.ts";
import type { Repository } from "../name/mod.ts";
import type { Bytes, ByteStream } from "../runtime/mod.ts";
import { type Descriptor, hashHexDigits, isIndex, manifestKind } from "../spec/mod.ts";
import { blobResponse, hasBlob, headBlob, openBlob } from "./blob_fetch.ts";
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
  const manifest = manifestCore(fetched, what);
  return isIndex(fetched.descriptor.mediaType) ? indexView(context, manifest) : imageView(context, manifest);
}

/** Creates the view of a manifest of any type that was read. */
export function anyView(context: ViewContext, fetched: FetchedManifest, what: string): AnyManifest {
  return manifestKind(fetched.descriptor.mediaType) === "other"
    ? otherView(context, manifestCore(fetched, what))
    : viewOf(context, fetched, what);
}

/** Creates the view of a layer, or of any other blob, of a repository. */
export function remoteLayer(context: ViewContext, descriptor: Descriptor): Layer {
  return layerFromCompressed({ descriptor, ...blobCore(context, descriptor) });
}

/** The core of a manifest's view. */
interface ManifestCore {
  readonly descriptor: Descriptor;
  readonly mediaType: string;
  readonly rawManifest: (options?: AbortOptions) => Promise<Bytes>;
  /** The name of the manifest in an error. */
  readonly what: string;
}

function manifestCore({ bytes, descriptor }: FetchedManifest, what: string): ManifestCore {
  const { mediaType, digest, size } = descriptor;
  // Without annotations and artifact type, which are the manifest's: a new index would list them as its member's.
  return { descriptor: { mediaType, digest, size }, mediaType, rawManifest: () => Promise.resolve(bytes), what };
}

function childCore(context: ViewContext, descriptor: Descriptor): ManifestCore {
  return {
    descriptor,
    mediaType: descriptor.mediaType,
    rawManifest: lazy(() => fetchChildManifest(context, descriptor)),
    what: `${context.repository}@${descriptor.digest}`,
  };
}

function imageView(context: ViewContext, manifest: ManifestCore): Image {
  return imageFromCompressed({ ...manifest, blob: (blob) => blobCore(context, blob) });
}

function indexView(context: ViewContext, manifest: ManifestCore): ImageIndex {
  const { client, repository } = context;
  return indexFrom({
    ...manifest,
    image: (child) => imageView(context, childCore(context, child)),
    index: (child) => indexView(context, childCore(context, child)),
    blob: (child) => remoteLayer(context, child),
    manifest: (child) => otherView(context, childCore(context, child)),
    isManifest: async ({ digest }, options) => !await hasBlob(client, repository, { digest, access: "pull" }, options),
  });
}

function otherView(context: ViewContext, manifest: ManifestCore): OtherManifest {
  return otherManifest({
    ...manifest,
    blob: (blob) => blobCore(context, blob),
    sizeOf: async (digest, options) => (await headBlob(context.client, context.repository, digest, options)).size,
  });
}

async function fetchChildManifest({ client, repository }: ViewContext, child: Descriptor): Promise<Bytes> {
  const carried = await embedded(child);
  if (carried) return carried;
  const { bytes } = await fetchManifest(client, repository.digest(child.digest));
  if (bytes.length !== child.size) {
    throw new ManifestError(
      `${repository}@${child.digest} has ${bytes.length} bytes instead of the ${child.size} in its index`,
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
      ? {
        kind: "response",
        get: (options) => blobResponse(client, repository, descriptor, options),
        stallMs: timeoutsOf(client.options.timeouts).stallMs,
      }
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
