import { LimitError, ManifestError } from "../../errors.ts";
import { digestBytes, mapConcurrent, readAll } from "../../io/mod.ts";
import type { Bytes } from "../../runtime/mod.ts";
import { parseJsonObject } from "../../spec/internal.ts";
import { type Hash, hashAlgorithm, isConfig, isHash } from "../../spec/mod.ts";
import { entityTag, isNotModified } from "./conditions.ts";
import type { RegistryContext, RepositoryRequest } from "./context.ts";
import type { Exchange } from "./exchange.ts";
import { type PushedManifest, readPushedManifest } from "../content/pushed_manifest.ts";
import { digestInvalid, refuse, refuseAll, replyBytes, replyEmpty, replyNotModified } from "./reply.ts";
import { isTag } from "../content/names.ts";

/** The largest config that is read for the time when its image was made. */
const CONFIG_LIMIT = 4 * 1024 * 1024;
const CONCURRENCY = 16;
/** The most missing blobs that an error lists: a large manifest may name many thousands. */
const MOST_LISTED = 100;

/** Answers GET and HEAD of a manifest (distribution-spec, "Pulling manifests"). */
export async function serveManifest(
  context: RegistryContext,
  asked: RepositoryRequest,
  reference: string,
): Promise<Response> {
  const { request, name } = asked;
  const { method, signal } = request;
  if (!isHash(reference) && reference.includes(":")) return digestInvalid();
  const { repositories } = context;
  const digest = isHash(reference)
    ? reference
    : isTag(reference)
    ? await repositories.tag(name, reference, { signal })
    : undefined;
  const manifest = digest && await repositories.manifest(name, digest, { signal });
  if (!manifest) return manifestUnknown(reference);
  const { bytes, mediaType } = manifest;
  const headers = { "Docker-Content-Digest": digest, "ETag": entityTag(digest) };
  if (isNotModified(request, headers.ETag)) return replyNotModified(headers);
  return replyBytes(method === "HEAD" ? null : bytes, {
    type: mediaType,
    size: bytes.length,
    headers,
  });
}

/** Answers PUT of a manifest, by tag, or by digest with any number of `tag` parameters ("Pushing Manifests"). */
export async function putManifest(
  context: RegistryContext,
  asked: RepositoryRequest,
  reference: string,
): Promise<Response> {
  const { exchange, url, name } = asked;
  const byDigest = isHash(reference);
  if (!byDigest && reference.includes(":")) return digestInvalid();
  const tags = byDigest ? url.searchParams.getAll("tag") : [reference];
  if (!tags.every(isTag)) {
    return refuse(400, "MANIFEST_INVALID", { message: "a tag has 1 to 128 letters, digits, '_', '.' and '-'" });
  }
  const bytes = await readBody(exchange, context.manifestLimit);
  if (bytes instanceof Response) return bytes;
  const digest = await digestBytes(bytes, byDigest ? hashAlgorithm(reference) : "sha256");
  if (byDigest && digest !== reference) {
    return refuse(400, "DIGEST_INVALID", { message: `the manifest has the digest ${digest}`, detail: { digest } });
  }
  const pushed = readManifest(bytes, exchange.request);
  if (pushed instanceof Response) return pushed;
  const claimed = context.clock();
  const missing = await missingContent(context, name, pushed);
  if (missing.length > 0 && !context.allowSparse) {
    return refuseAll(
      400,
      missing.slice(0, MOST_LISTED).map((digest) => ({
        code: "MANIFEST_BLOB_UNKNOWN",
        message: "the manifest names content that its repository does not have",
        detail: { digest },
      })),
    );
  }
  const { mediaType, subject, imageSize } = pushed;
  const created = await timeCreated(context, name, pushed);
  const manifest = { digest, mediaType, uploaded: context.clock(), created, imageSize, subject, bytes };
  await context.repositories.putManifest(name, manifest, { tags, claimed });
  return replyEmpty(201, {
    "Location": `/v2/${name}/manifests/${digest}`,
    "Docker-Content-Digest": digest,
    ...(subject && { "OCI-Subject": subject }),
    ...(byDigest && tags.length > 0 && { "OCI-Tag": tags.join(", ") }),
  });
}

/** Answers DELETE of a manifest with the tags that point at it, or of a tag alone ("Content Management"). */
export async function deleteManifest(
  { repositories }: RegistryContext,
  { name }: RepositoryRequest,
  reference: string,
): Promise<Response> {
  const byDigest = isHash(reference);
  if (!byDigest && reference.includes(":")) return digestInvalid();
  if (!byDigest && !isTag(reference)) return manifestUnknown(reference);
  const wasThere = byDigest
    ? await repositories.deleteManifest(name, reference)
    : await repositories.deleteTag(name, reference);
  return wasThere ? replyEmpty(202) : manifestUnknown(reference);
}

async function readBody({ request, body }: Exchange, limit: number): Promise<Bytes | Response> {
  const tooLarge = () => refuse(413, "SIZE_INVALID", { message: `a manifest may have at most ${limit} bytes` });
  if (Number(request.headers.get("Content-Length")) > limit) return tooLarge();
  try {
    return body ? await readAll(body, { limit, what: "the manifest" }) : new Uint8Array(0);
  } catch (error) {
    if (error instanceof LimitError) return tooLarge();
    return refuse(400, "MANIFEST_INVALID", { message: "the body could not be read to its end" });
  }
}

function readManifest(bytes: Bytes, request: Request): PushedManifest | Response {
  const contentType = request.headers.get("Content-Type")?.split(";")[0].trim() || undefined;
  try {
    return readPushedManifest(bytes, contentType);
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    return refuse(400, "MANIFEST_INVALID", { message: error.message });
  }
}

/**
 * Finds the content that a manifest names and its repository does not have, and claims the rest. The registry refuses such a manifest, as
 * docker-registry does, unless `allowSparse` is set, so that every image that can be pulled is complete. Layers that may not be pushed and the subject
 * need not be there. A member of an index may be a blob, since build caches keep their layers in an index.
 */
async function missingContent(
  { repositories }: RegistryContext,
  name: string,
  { blobs, members }: PushedManifest,
): Promise<Hash[]> {
  const isIndex = members.length > 0;
  const missing = await mapConcurrent([...blobs, ...members], { concurrency: CONCURRENCY }, async (digest) => {
    const isThere = isIndex && await repositories.manifest(name, digest) ||
      await repositories.reliedBlob(name, digest, { always: true });
    return isThere ? [] : [digest];
  });
  return missing.flat();
}

/** Reads from the config when the image was made, in milliseconds since 1970; 0 if it has no time. */
async function timeCreated({ repositories }: RegistryContext, name: string, pushed: PushedManifest): Promise<number> {
  const { config } = pushed;
  if (!config || !isConfig(config.mediaType.toLowerCase())) return 0;
  const blob = await repositories.blob(name, config.digest);
  if (!blob || blob.size > CONFIG_LIMIT) return 0;
  const bytes = await readAll(await blob.read(), { limit: CONFIG_LIMIT, what: "the config" });
  try {
    const time = Date.parse(String(parseJsonObject(bytes, "the config").created));
    return Number.isNaN(time) ? 0 : time;
  } catch {
    return 0; // the registry does not validate configs
  }
}

function manifestUnknown(reference: string): Response {
  return refuse(404, "MANIFEST_UNKNOWN", { message: "the repository has no such manifest", detail: { reference } });
}
