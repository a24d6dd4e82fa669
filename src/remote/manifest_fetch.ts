import { HttpError, ManifestError, ProtocolError } from "../errors.ts";
import { type AbortOptions, digestBytes, Limits } from "../io/mod.ts";
import type { Reference } from "../name/mod.ts";
import type { Bytes } from "../runtime/mod.ts";
import { checkJsonDepth, manifestFields } from "../spec/internal.ts";
import { type Descriptor, type Hash, hashAlgorithm, isHash, manifestMediaType, MediaType } from "../spec/mod.ts";
import { discard, findOrUndefined } from "../transport/internal.ts";
import type { WholeAnswer } from "../transport/mod.ts";
import type { Access, Client } from "./client.ts";
import { signedPayload } from "./schema1.ts";

/** The accepted manifest types: OCI's, Docker's, and schema 1. */
const ACCEPT = [
  MediaType.OciManifest,
  MediaType.OciImageIndex,
  MediaType.DockerManifestSchema2,
  MediaType.DockerManifestList,
  MediaType.DockerManifestSchema1Signed,
  MediaType.DockerManifestSchema1,
  MediaType.OciArtifactManifest,
].join(", ");

/** A manifest from a registry. */
export interface FetchedManifest {
  /** Its bytes. */
  readonly bytes: Bytes;
  /** Its type, its digest (computed, and compared with that of a reference by digest) and its size. */
  readonly descriptor: Descriptor;
}

/** Options of {@linkcode fetchManifest}. */
export interface FetchManifestOptions extends AbortOptions {
  /**
   * The action that the token must allow: more than reading if the same token is needed for a later request.
   *
   * @default "pull"
   */
  access?: Access;
}

/**
 * Reads a manifest (distribution-spec, "Pulling manifests").
 *
 * @throws {ManifestError} if its digest is not the requested one, or it is JSON that is nested deeper than 1,000
 * levels.
 */
export async function fetchManifest(
  client: Client,
  reference: Reference,
  options: FetchManifestOptions = {},
): Promise<FetchedManifest> {
  const { access = "pull", signal } = options;
  const what = `manifest ${reference}`;
  const request = {
    method: "GET",
    to: `/manifests/${reference.identifier}`,
    expect: [200],
    headers: { accept: ACCEPT },
    signal,
  } as const;
  const read = async ({ response, bytes }: WholeAnswer): Promise<FetchedManifest> => {
    checkJsonDepth(bytes, what);
    const mediaType = contentType(response.headers) ?? mediaTypeOfBody(bytes, reference, response.headers);
    return { bytes, descriptor: await describe(bytes, mediaType, reference) };
  };
  const limit = { limit: Limits.manifest, what };
  // Only the registry itself decides which digest a tag has, and what it holds where content is pushed.
  return reference.kind === "digest" && access === "pull"
    ? await client.readContent(
      reference.repository,
      async (server) => read(await server.requestWhole(request, limit)),
      {
        signal,
      },
    )
    : await read(await client.requestWhole(reference.repository, { ...request, access }, limit));
}

/**
 * Reads the descriptor of a manifest with a HEAD request (distribution-spec, "Checking if content exists"). Falls back
 * to a GET request if the response has no digest, or the registry fails to answer HEAD.
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
    // A response to HEAD has no body: a GET request returns the registry's error, or works without HEAD support.
    if (error instanceof HttpError && error.status !== 429) {
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

/** Returns the descriptor of a manifest, or `undefined` if there is none or reading it is not allowed. */
export async function findManifest(
  client: Client,
  reference: Reference,
  options: AbortOptions = {},
): Promise<Descriptor | undefined> {
  const get = async () => (await fetchManifest(client, reference, { ...options, access: "push" })).descriptor;
  return await headOrGet(async () => {
    const headers = await headersIfThere(client, reference, options);
    return headers && (described(headers) ?? await get());
  }, get);
}

/** Returns the digest of a manifest, or `undefined` if there is none or the answer to HEAD lacks it. */
export async function findDigest(
  client: Client,
  reference: Reference,
  options: AbortOptions = {},
): Promise<Hash | undefined> {
  return await headOrGet(async () => {
    const digest = (await headersIfThere(client, reference, options))?.get("docker-content-digest");
    return isHash(digest) ? digest : undefined;
  }, async () => (await fetchManifest(client, reference, { ...options, access: "push" })).descriptor.digest);
}

/** Asks by HEAD, and by GET if the registry fails to answer HEAD. */
async function headOrGet<T>(head: () => Promise<T>, get: () => Promise<T>): Promise<T | undefined> {
  try {
    return await head();
  } catch (error) {
    if (!(error instanceof HttpError && error.status >= 500)) throw error;
    return await findOrUndefined(get);
  }
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

/** Returns the descriptor in an answer to HEAD; `undefined` if the answer lacks a part of it. */
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
  return { mediaType, digest, size: bytes.length, ...artifactFields(fieldsOf(bytes) ?? {}) };
}

/** Returns the fields of a manifest, or `undefined` if it is not a JSON object, which some registries accept. */
export function fieldsOf(bytes: Bytes): Record<string, unknown> | undefined {
  try {
    return manifestFields(bytes, "manifest");
  } catch {
    return undefined;
  }
}

/** The types that any file may have. */
const ANY_FILE = /^(text\/.*|(application|binary)\/octet-stream|application\/json|)$/i;

/** Returns the type of a manifest that the registry names; `undefined` if it names one that any file may have. */
function contentType(headers: Headers): string | undefined {
  const value = headers.get("content-type")?.split(";", 1)[0].trim();
  return value === undefined || ANY_FILE.test(value) ? undefined : value;
}

/** Returns the type of a manifest that came without one. @throws {ProtocolError} if the body is no manifest either. */
function mediaTypeOfBody(bytes: Bytes, reference: Reference, headers: Headers): string {
  try {
    return manifestMediaType(bytes, `manifest ${reference}`);
  } catch (cause) {
    const type = headers.get("content-type");
    if (!type || /^application\/json\b/i.test(type)) throw cause;
    throw new ProtocolError(`${reference.registry} answered ${reference} with ${type}, not with a manifest`, { cause });
  }
}

/**
 * Reads the fields of a manifest that belong in its descriptor (distribution-spec, "Listing Referrers"): its
 * annotations and its artifact type, which is its config's media type if it has no type of its own.
 */
export function artifactFields(manifest: Record<string, unknown>): Pick<Descriptor, "artifactType" | "annotations"> {
  const config = manifest.config as { mediaType?: unknown } | undefined;
  const artifactType = manifest.artifactType || config?.mediaType;
  return {
    ...(typeof artifactType === "string" ? { artifactType } : {}),
    ...(manifest.annotations ? { annotations: manifest.annotations as Record<string, string> } : {}),
  };
}
