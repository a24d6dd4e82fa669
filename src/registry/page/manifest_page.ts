import { readAll } from "../../io/mod.ts";
import { manifestFields, parseJsonObject } from "../../spec/internal.ts";
import {
  type Descriptor,
  isConfig,
  manifestKind,
  parseIndexManifest,
  parseManifest,
  platformString,
} from "../../spec/mod.ts";
import { referrerFacts } from "../content/pushed_manifest.ts";
import type { RepositoryManifest } from "../content/repositories.ts";
import type { RegistryContext } from "../http/context.ts";
import {
  command,
  type Content,
  digestText,
  facts,
  factsOf,
  manifestLink,
  MOST_ROWS,
  section,
  sizeText,
  table,
  text,
  timeText,
} from "./components.ts";

/** The largest config that is shown, in bytes. */
const CONFIG_LIMIT = 4 * 1024 * 1024;

/** A manifest to show. */
export interface ShownManifest {
  /** The name of its repository. */
  readonly name: string;
  /** The reference by which clients pull it. */
  readonly image: string;
  readonly manifest: RepositoryManifest;
  readonly signal: AbortSignal;
}

/** Makes the content of a manifest's page: its facts, its parts and its referrers. */
export async function manifestContent(context: RegistryContext, shown: ShownManifest): Promise<Content[]> {
  const { image, manifest: { digest, mediaType, bytes, uploaded, imageSize } } = shown;
  const kind = manifestKind(mediaType);
  const value = manifestFields(bytes, "the manifest");
  return [
    facts([
      ["Digest", digest],
      ["Type", mediaType],
      ["Artifact type", value.artifactType],
      ["Size of all it names", sizeText(imageSize)],
      ["Pushed", timeText(uploaded)],
    ])!,
    section("Pull", command(`docker pull ${image}`), command(`gcrane pull ${image} image.tar`)),
    ...kind === "index" ? [members(shown)] : kind === "image" ? await imageParts(context, shown) : [],
    section("Annotations", factsOf(value.annotations)),
    await referrers(context, shown),
  ];
}

function members({ name, manifest }: ShownManifest): Content {
  const { manifests } = parseIndexManifest(manifest.bytes, "the index");
  const rows = manifests.slice(0, MOST_ROWS).map((member) => [
    platformOf(member),
    manifestLink(name, member.digest),
    sizeText(member.size),
  ]);
  return section("Members", table(["Platform", "Manifest", "Size"], rows));
}

async function imageParts(context: RegistryContext, { name, manifest, signal }: ShownManifest): Promise<Content[]> {
  const { config, layers } = parseManifest(manifest.bytes, "the manifest");
  const file = isConfig(config.mediaType) ? await readConfig(context, { name, config, signal }) : undefined;
  const run = typeof file?.config === "object" && file.config !== null ? file.config as Record<string, unknown> : {};
  return [
    section(
      "Image",
      file && facts([
        ["Platform", [file.os, file.architecture, file.variant].filter((part) => typeof part === "string").join("/")],
        ["Created", file.created],
        ["Author", file.author],
        ["User", run.User],
        ["Entrypoint", run.Entrypoint],
        ["Command", run.Cmd],
        ["Working directory", run.WorkingDir],
        ["Ports", run.ExposedPorts],
        ["Environment", run.Env],
      ]),
    ),
    section("Labels", factsOf(run.Labels)),
    section(layers.length === 1 ? "1 layer" : `${layers.length} layers`, descriptorTable(layers)),
    section("Config", descriptorTable([config])),
    section("History", historyTable(file?.history)),
  ];
}

function descriptorTable(descriptors: readonly Descriptor[]): Content | undefined {
  const rows = descriptors.slice(0, MOST_ROWS).map(({ digest, mediaType, size }) => [
    digestText(digest),
    mediaType,
    sizeText(size),
  ]);
  return table(["Digest", "Type", "Size"], rows);
}

function historyTable(history: unknown): Content | undefined {
  if (!Array.isArray(history)) return undefined;
  return table(["Step"], history.slice(0, MOST_ROWS).map((step) => [text(step?.created_by ?? step?.comment ?? "")]));
}

async function referrers(context: RegistryContext, { name, manifest, signal }: ShownManifest): Promise<Content> {
  const { repositories } = context;
  const { entries } = await repositories.referrers(name, manifest.digest, { limit: MOST_ROWS, signal });
  const rows = await repositories.readManifests(name, {
    digests: entries,
    signal,
    read: (
      { digest, mediaType, bytes },
    ) => [referrerFacts(bytes).artifactType ?? mediaType, manifestLink(name, digest)],
  });
  return section("Referrers", table(["Type", "Manifest"], rows));
}

/** Reads the config; `undefined` if it is missing or malformed, as the page is shown in any case. */
async function readConfig(
  { repositories }: RegistryContext,
  { name, config, signal }: { name: string; config: Descriptor; signal: AbortSignal },
): Promise<Record<string, unknown> | undefined> {
  const blob = await repositories.blob(name, config.digest, { signal });
  if (!blob || blob.size > CONFIG_LIMIT) return undefined;
  try {
    const bytes = await readAll(await blob.read({ signal }), { limit: CONFIG_LIMIT, what: "the config" });
    return parseJsonObject(bytes, "the config");
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

function platformOf({ platform, artifactType, mediaType }: Descriptor): string {
  return platform ? platformString(platform) : text(artifactType ?? mediaType);
}
