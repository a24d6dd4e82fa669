import { HttpError, ManifestError, ProtocolError } from "../errors.ts";
import { type AbortOptions, digestBytes, Limits } from "../io/mod.ts";
import type { Reference } from "../name/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import {
  checkJsonDepth,
  type Descriptor,
  type Hash,
  hashAlgorithm,
  isHash,
  manifestMediaType,
  MediaType,
  parseJsonObject,
} from "../spec/mod.ts";
import { discard } from "../transport/mod.ts";
import { artifactFields } from "./artifact.ts";
import type { Access, Client } from "./client.ts";
import { signedPayload } from "./schema1.ts";

/** The manifests that are asked for: OCI's, Docker's, and schema 1. */
const ACCEPT = [
  MediaType.OciManifest,
  MediaType.OciImageIndex,
  MediaType.DockerManifestSchema2,
  MediaType.DockerManifestList,
  MediaType.DockerManifestSchema1Signed,
  MediaType.DockerManifestSchema1,
  MediaType.OciArtifactManifest,
].join(", ");

/** A manifest as a registry gave it. */
export interface FetchedManifest {
  /** Its bytes. */
  readonly bytes: Bytes;
  /** What it is: type, digest (computed, and checked where the reference named one), size. */
  readonly descriptor: Descriptor;
}

/** Options of {@linkcode fetchManifest}. */
export interface FetchManifestOptions extends AbortOptions {
  /**
   * What the token must allow: more than reading, where the same token is needed for more afterwards.
   * @default "pull"
   */
  access?: Access;
}

/**
 * Gets a manifest (distribution-spec, "Pulling manifests").
 *
 * @throws {ManifestError} when its digest is not the one that was asked for, or it is JSON that is nested deeper than
 * 1,000 levels.
 */
export async function fetchManifest(
  client: Client,
  reference: Reference,
  options: FetchManifestOptions = {},
): Promise<FetchedManifest> {
  const what = `manifest ${reference}`;
  const { response, bytes } = await client.requestWhole(reference.repository, {
    method: "GET",
    to: `/manifests/${reference.identifier}`,
    access: options.access ?? "pull",
    expect: [200],
    headers: { accept: ACCEPT },
    signal: options.signal,
  }, { limit: Limits.manifest, what });
  checkJsonDepth(bytes, what);
  const mediaType = contentType(response.headers) ?? manifestMediaType(bytes, what);
  return { bytes, descriptor: await describe(bytes, mediaType, reference) };
}

/**
 * Asks what a manifest is without getting it (distribution-spec, "Checking if content exists"). Registries that answer
 * without a digest are asked for the manifest itself.
 */
export async function headManifest(
  client: Client,
  reference: Reference,
  options: AbortOptions = {},
): Promise<Descriptor> {
  let response: Response;
  try {
    ({ response } = await client.request(reference.repository, {
      method: "HEAD",
      to: `/manifests/${reference.identifier}`,
      access: "pull",
      expect: [200],
      headers: { accept: ACCEPT },
      signal: options.signal,
    }));
  } catch (error) {
    // An answer to HEAD has no body: GET tells what the registry has to say, or that it knows no HEAD.
    if (error instanceof HttpError && error.status < 500 && error.status !== 429) {
      return (await fetchManifest(client, reference, options)).descriptor;
    }
    throw error;
  }
  await discard(response);
  const descriptor = described(response.headers);
  if (descriptor === undefined) return (await fetchManifest(client, reference, options)).descriptor;
  if (reference.kind === "digest" && descriptor.digest !== reference.identifier) {
    throw new ManifestError(`${reference.registry} has ${descriptor.digest} under ${reference}`);
  }
  return descriptor;
}

/** The descriptor of a manifest that is there, or `undefined` when there is none or nobody may see it. */
export async function findManifest(
  client: Client,
  reference: Reference,
  options: AbortOptions = {},
): Promise<Descriptor | undefined> {
  const headers = await headersIfThere(client, reference, options);
  if (headers === undefined) return undefined;
  return described(headers) ?? (await fetchManifest(client, reference, { ...options, access: "push" })).descriptor;
}

/** The digest of a manifest that is there, as far as one HEAD tells. */
export async function findDigest(
  client: Client,
  reference: Reference,
  options: AbortOptions = {},
): Promise<Hash | undefined> {
  const digest = (await headersIfThere(client, reference, options))?.get("docker-content-digest");
  return isHash(digest) ? digest : undefined;
}

async function headersIfThere(
  client: Client,
  reference: Reference,
  options: AbortOptions,
): Promise<Headers | undefined> {
  const { response } = await client.request(reference.repository, {
    method: "HEAD",
    to: `/manifests/${reference.identifier}`,
    access: "push",
    expect: [200, 400, 401, 403, 404, 405, 406],
    headers: { accept: ACCEPT },
    signal: options.signal,
  });
  await discard(response);
  return response.status === 200 ? response.headers : undefined;
}

/** What an answer to HEAD says of a manifest; `undefined` when it does not say all of it. */
function described(headers: Headers): Descriptor | undefined {
  const digest = headers.get("docker-content-digest");
  const mediaType = contentType(headers);
  const size = headers.get("content-length");
  if (!isHash(digest) || !mediaType || size === null || !/^\d+$/.test(size)) return undefined;
  return { mediaType, digest, size: Number(size) };
}

async function describe(bytes: Bytes, mediaType: string, reference: Reference): Promise<Descriptor> {
  const algorithm = reference.kind === "digest" ? hashAlgorithm(reference.identifier) : "sha256";
  const digested = mediaType === MediaType.DockerManifestSchema1Signed
    ? signedPayload(bytes, `manifest ${reference}`)
    : bytes;
  const digest = await digestBytes(digested, algorithm);
  if (reference.kind === "digest" && digest !== reference.identifier) {
    throw new ManifestError(
      `${reference.registry} answered ${reference} with a manifest whose digest is ${digest}`,
    );
  }
  if (mediaType === "application/octet-stream" || mediaType === "text/plain") {
    throw new ProtocolError(
      `${reference.registry} answered ${reference} with ${mediaType}, not with a manifest`,
    );
  }
  return { mediaType, digest, size: bytes.length, ...artifactFields(parsed(bytes)) };
}

function parsed(bytes: Bytes): Record<string, unknown> {
  try {
    return parseJsonObject(bytes, "manifest");
  } catch {
    return {}; // what it is to be is judged by who opens it
  }
}

function contentType(headers: Headers): string | undefined {
  const value = headers.get("content-type")?.split(";", 1)[0].trim();
  return value === "" || value === "application/json" ? undefined : value;
}
