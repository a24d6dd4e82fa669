import { html } from "hono/html";
import { readAll } from "../../io/mod.ts";
import {
  type Descriptor,
  type Hash,
  isConfig,
  manifestKind,
  parseIndexManifest,
  parseJsonObject,
  parseManifest,
  platformString,
} from "../../spec/mod.ts";
import type { RegistryContext } from "../http/context.ts";
import {
  commandText,
  descriptorTable,
  facts,
  factsOf,
  type Markup,
  pageOf,
  section,
  shortDigest,
  sizeText,
  timeText,
} from "./parts.ts";
import { referrerFacts } from "../content/pushed_manifest.ts";
import type { RepositoryManifest } from "../content/repositories.ts";

/** A config is shown up to this size. */
const CONFIG_LIMIT = 4 * 1024 * 1024;
/** More rows than anybody reads. */
const MOST_ROWS = 500;

/** What is to be shown of a manifest. */
export interface ShownManifest {
  readonly name: string;
  /** The reference that was asked for: `:v1` or `@sha256:…`. */
  readonly suffix: string;
  readonly manifest: RepositoryManifest;
  /** The host of the registry, for the commands. */
  readonly host: string;
  readonly signal: AbortSignal;
}

/** The page of a manifest. */
export async function manifestPage(context: RegistryContext, shown: ShownManifest): Promise<Markup> {
  const { name, suffix, manifest, host } = shown;
  const { digest, mediaType, bytes, uploaded, imageSize } = manifest;
  const kind = manifestKind(mediaType);
  const value = parseJsonObject(bytes, "the manifest");
  const image = `${host}/${name}${suffix}`;
  return html`${
    facts([
      ["Digest", digest],
      ["Type", mediaType],
      ["Artifact type", value.artifactType],
      ["Size of all it names", sizeText(imageSize)],
      ["Pushed", timeText(uploaded)],
    ])
  }
${section("Pull", html`${commandText(`docker pull ${image}`)}${commandText(`gcrane pull ${image} image.tar`)}`)}
${kind === "index" ? members(name, bytes) : kind === "image" ? await imageParts(context, shown) : ""}
${section("Annotations", factsOf(value.annotations))}
${await referrers(context, shown)}`;
}

function members(name: string, bytes: Uint8Array): Markup {
  const { manifests } = parseIndexManifest(bytes, "the index");
  return section(
    "Members",
    html`<table>
<tr><th>Platform</th><th>Manifest</th><th class="size">Size</th></tr>
${
      manifests.slice(0, MOST_ROWS).map((member) =>
        html`
          <tr>
            <td>${platformOf(member)}</td>
            <td>${linkTo(name, member.digest)}</td>
            <td class="size">${sizeText(member.size)}</td>
          </tr>
        `
      )
    }</table>`,
  );
}

async function imageParts(context: RegistryContext, { name, manifest, signal }: ShownManifest): Promise<Markup> {
  const { config, layers } = parseManifest(manifest.bytes, "the manifest");
  const file = isConfig(config.mediaType) ? await readConfig(context, name, config, signal) : undefined;
  const run = typeof file?.config === "object" && file.config !== null ? file.config as Record<string, unknown> : {};
  return html`${
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
    )
  }
${section("Labels", factsOf(run.Labels))}
${section(layers.length === 1 ? "1 layer" : `${layers.length} layers`, descriptorTable(layers.slice(0, MOST_ROWS)))}
${section("Config", descriptorTable([config]))}
${section("History", historyTable(file?.history))}`;
}

function historyTable(history: unknown): Markup | undefined {
  if (!Array.isArray(history) || history.length === 0) return undefined;
  return html`<table>
${
    history.slice(0, MOST_ROWS).map((step) =>
      html`
        <tr>
          <td><code>${String(step?.created_by ?? step?.comment ?? "")}</code></td>
        </tr>
      `
    )
  }</table>`;
}

async function referrers(context: RegistryContext, { name, manifest, signal }: ShownManifest): Promise<Markup> {
  const digests = await context.repositories.referrerDigests(name, manifest.digest, { signal });
  if (digests.length === 0) return html``;
  const rows = await context.repositories.readManifests(name, {
    digests: digests.slice(0, MOST_ROWS),
    signal,
    read: ({ digest, mediaType, bytes }) => ({ digest, type: referrerFacts(bytes).artifactType ?? mediaType }),
  });
  return section(
    "What refers to it",
    html`<table>
<tr><th>Type</th><th>Manifest</th></tr>
${
      rows.map(({ digest, type }) =>
        html`
          <tr>
            <td>${type}</td>
            <td>${linkTo(name, digest)}</td>
          </tr>
        `
      )
    }</table>`,
  );
}

/** The config, or nothing where it is not there or is none: a page is shown in any case. */
async function readConfig(
  { repositories }: RegistryContext,
  name: string,
  { digest }: Descriptor,
  signal: AbortSignal,
): Promise<Record<string, unknown> | undefined> {
  const blob = await repositories.blob(name, digest, { signal });
  if (!blob || blob.size > CONFIG_LIMIT) return undefined;
  try {
    return parseJsonObject(
      await readAll(await blob.read({ signal }), { limit: CONFIG_LIMIT, what: "the config" }),
      "the config",
    );
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

function linkTo(name: string, digest: Hash): Markup {
  return html`<a href="${pageOf(name, { digest })}"><code>${shortDigest(digest)}</code></a>`;
}

function platformOf({ platform, artifactType, mediaType }: Descriptor): string {
  return platform ? platformString(platform) : artifactType ?? mediaType;
}
