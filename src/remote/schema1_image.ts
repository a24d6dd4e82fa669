import { ManifestError } from "../errors.ts";
import { type AbortOptions, lazy } from "../io/mod.ts";
import { type Image, imageFromUncompressed, type Layer } from "../image/mod.ts";
import { successors } from "../graph/mod.ts";
import { jsonBytes, parseJsonObject } from "../spec/internal.ts";
import { type Hash, MediaType } from "../spec/mod.ts";
import { headBlob } from "./blob_fetch.ts";
import type { FetchedManifest } from "./manifest_fetch.ts";
import { remoteLayer, type ViewContext } from "./views.ts";

/** A step of schema 1's history, of which only the newest has the config. */
interface Step {
  readonly digest: Hash;
  /** The parsed `v1Compatibility`. */
  readonly v1: Record<string, unknown>;
}

/**
 * Converts a schema 1 manifest into an image of schema 2: its layers without those that its history marks as empty, and
 * a config made of that history. Its layers have no diff ids, so they are read for the config.
 *
 * @throws {ManifestError} if layers and history do not belong together.
 */
export function schema1Image(context: ViewContext, { bytes, descriptor }: FetchedManifest, what: string): Image {
  const steps = stepsOf(bytes, descriptor.mediaType, what);
  const kept = steps.filter(({ v1 }) => v1.throwaway !== true);
  const layers = lazy(() => Promise.all(kept.map(({ digest }) => layerOf(context, digest))));
  return imageFromUncompressed({
    layers,
    rawConfigFile: async () => jsonBytes(await configOf(steps, await layers())),
    mediaType: MediaType.DockerManifestSchema2,
    what,
  });
}

/** Returns the steps, the oldest first. */
function stepsOf(bytes: FetchedManifest["bytes"], mediaType: string, what: string): Step[] {
  const { blobs } = successors(bytes, mediaType, what);
  const { history } = parseJsonObject(bytes, what);
  if (!Array.isArray(history) || history.length !== blobs.length) {
    throw new ManifestError(`${what}: a schema 1 manifest has a step of history for each layer`);
  }
  return history.map((step, index): Step => {
    const text = step?.v1Compatibility;
    if (typeof text !== "string") throw new ManifestError(`${what}: history[${index}] has no v1Compatibility`);
    const v1 = parseJsonObject(new TextEncoder().encode(text), `${what}: history[${index}]`);
    return { digest: blobs[index].digest, v1 };
  }).reverse();
}

async function layerOf(context: ViewContext, digest: Hash, options?: AbortOptions): Promise<Layer> {
  const { size } = await headBlob(context.client, context.repository, digest, options);
  return remoteLayer(context, { mediaType: MediaType.DockerLayer, digest, size });
}

async function configOf(steps: readonly Step[], layers: readonly Layer[]): Promise<object> {
  const { architecture, os, created, config } = steps.at(-1)?.v1 ?? {};
  return {
    architecture: architecture ?? "amd64",
    ...(created === undefined ? {} : { created }),
    history: steps.map(({ v1 }) => ({
      ...(v1.created === undefined ? {} : { created: v1.created }),
      created_by: commandOf(v1),
      ...(v1.throwaway === true ? { empty_layer: true } : {}),
    })),
    os: os ?? "linux",
    rootfs: { type: "layers", diff_ids: await Promise.all(layers.map((layer) => layer.diffId())) },
    config: config ?? {},
  };
}

function commandOf({ container_config: config }: Record<string, unknown>): string {
  const command = (config as { Cmd?: unknown } | undefined)?.Cmd;
  return Array.isArray(command) ? command.join(" ") : "";
}
