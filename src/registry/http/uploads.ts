import { ConflictError, DigestMismatchError, StoreError } from "../../errors.ts";
import { type Hash, hashAlgorithm, isHash } from "../../spec/mod.ts";
import { CATALOG, type RegistryCaller, repositoryScope } from "../access/access.ts";
import { parseContentRange } from "./byte_range.ts";
import type { RegistryContext, RepositoryRequest } from "./context.ts";
import type { Exchange } from "./exchange.ts";
import { digestInvalid, refuse, replyEmpty } from "./reply.ts";
import { isRepositoryName } from "../content/names.ts";
import { newUploadId, type UploadSession } from "../content/upload_sessions.ts";

/**
 * Answers POST to a repository's uploads: a blob in one request, a blob of another repository, or a new session
 * (distribution-spec, "Pushing blobs").
 */
export async function beginUpload(context: RegistryContext, asked: RepositoryRequest): Promise<Response> {
  const { name, url } = asked;
  const mount = url.searchParams.get("mount");
  if (mount !== null) {
    if (!isHash(mount)) return digestInvalid();
    const from = url.searchParams.get("from") ?? undefined;
    const isSource = mayMount(asked.caller, from) && (from === undefined || isRepositoryName(from));
    if (isSource && await context.repositories.mountBlob(name, mount, from)) return blobCreated(name, mount);
  }
  const digest = url.searchParams.get("digest");
  if (digest !== null) {
    return isHash(digest) ? await uploadWhole(context, asked, digest) : digestInvalid();
  }
  const algorithm = url.searchParams.get("digest-algorithm") ?? "sha256";
  if (algorithm !== "sha256" && algorithm !== "sha512") {
    return refuse(400, "DIGEST_INVALID", { message: "the digest algorithm is neither sha256 nor sha512" });
  }
  return progress(202, await context.sessions.start(name, algorithm), 0);
}

/** Answers PATCH of a session, with a chunk or the whole blob (distribution-spec, "Pushing a blob in chunks"). */
export function appendToUpload(context: RegistryContext, asked: RepositoryRequest, id: string): Promise<Response> {
  return withSession(context, { asked, id }, async (session, signal) => {
    const size = await receive(context, { session, exchange: asked.exchange, signal });
    return size instanceof Response ? size : progress(202, session, size);
  });
}

/** Answers PUT of a session, which ends it, perhaps with a last chunk, and makes the blob. */
export function closeUpload(context: RegistryContext, asked: RepositoryRequest, id: string): Promise<Response> {
  return withSession(context, { asked, id }, async (session, signal) => {
    const digest = asked.url.searchParams.get("digest");
    if (digest === null) {
      return refuse(400, "DIGEST_INVALID", { message: "the digest is missing: add ?digest=sha256:… to the URL" });
    }
    if (!isHash(digest)) return digestInvalid();
    const size = await receive(context, { session, exchange: asked.exchange, signal });
    if (size instanceof Response) return size;
    try {
      const finish = () => context.sessions.finish(session, digest, { size });
      await context.repositories.receiveBlob(asked.name, digest, finish);
    } catch (error) {
      if (error instanceof ConflictError) return await outOfOrder(context, session);
      return digestMismatch(error, digest);
    }
    return blobCreated(asked.name, digest);
  });
}

/** Answers GET of a session with its size. A request that is adding to it goes on. */
export async function uploadStatus(
  context: RegistryContext,
  asked: RepositoryRequest,
  id: string,
): Promise<Response> {
  const session = await context.sessions.find(asked.name, id);
  return session ? progress(204, session, await context.store.uploads.size(id)) : uploadUnknown();
}

/** Answers DELETE of a session, which ends it and drops its bytes. */
export function cancelUpload(context: RegistryContext, asked: RepositoryRequest, id: string): Promise<Response> {
  return withSession(context, { asked, id }, async (session) => {
    await context.sessions.cancel(session);
    return replyEmpty(204);
  });
}

/**
 * Returns whether the caller may read the repository that a blob is to be mounted from, or every repository if none is
 * named. A caller without the permission gets an upload session, as if the blob were not there.
 */
function mayMount(caller: RegistryCaller, from: string | undefined): boolean {
  return caller.may(from === undefined ? CATALOG : repositoryScope(from, "pull"));
}

async function uploadWhole(context: RegistryContext, asked: RepositoryRequest, digest: Hash): Promise<Response> {
  const { store, repositories } = context;
  const { exchange: { request, body }, name } = asked;
  const id = newUploadId();
  try {
    if (body) await store.uploads.append(id, body, { algorithm: hashAlgorithm(digest) });
    const size = await store.uploads.size(id);
    const promised = contentLength(request) ?? size;
    if (size !== promised) {
      await store.uploads.cancel(id);
      return sizeInvalid(size, promised);
    }
  } catch (error) {
    await store.uploads.cancel(id);
    return bodyFailed(error);
  }
  try {
    await repositories.receiveBlob(name, digest, () => store.uploads.finish(id, digest));
  } catch (error) {
    return digestMismatch(error, digest);
  }
  return blobCreated(name, digest);
}

/** Runs work on a session of the repository, while no other request works on it. */
async function withSession(
  context: RegistryContext,
  { asked, id }: { asked: RepositoryRequest; id: string },
  work: (session: UploadSession, signal: AbortSignal) => Promise<Response>,
): Promise<Response> {
  if (!await context.sessions.find(asked.name, id)) return uploadUnknown();
  return await context.sessions.alone(id, async (signal) => {
    const session = await context.sessions.find(asked.name, id); // it may have ended during the wait
    return session ? await work(session, signal) : uploadUnknown();
  });
}

/** Adds the body of a request to a session and returns its new size, or the response that refuses the chunk. */
async function receive(
  context: RegistryContext,
  { session, exchange, signal }: { session: UploadSession; exchange: Exchange; signal: AbortSignal },
): Promise<number | Response> {
  const { store, sessions } = context;
  const { request, body } = exchange;
  const before = await store.uploads.size(session.id);
  const header = request.headers.get("Content-Range");
  const range = header === null ? undefined : parseContentRange(header);
  if (header !== null && !range) {
    return refuse(400, "BLOB_UPLOAD_INVALID", { message: "Content-Range is not of the form first-last" });
  }
  if (range && range.offset !== before) return await outOfOrder(context, session);
  const length = contentLength(request);
  if (range && length !== undefined && length !== range.length) return sizeInvalid(length, range.length);
  if (!body) return range ? sizeInvalid(0, range.length) : before;

  let after: number;
  try {
    after = await store.uploads.append(session.id, body, { algorithm: session.algorithm, size: before, signal });
  } catch (error) {
    if (error instanceof ConflictError) return await outOfOrder(context, session);
    // The store dropped the upload, unless another server went on with it.
    if (error instanceof StoreError && await store.uploads.size(session.id) === 0) await sessions.cancel(session);
    return bodyFailed(error);
  }
  const promised = range?.length ?? length ?? after - before;
  if (after - before === promised) return after;
  await sessions.cancel(session);
  return sizeInvalid(after - before, promised);
}

/** Answers a chunk that does not start at the end of the upload, with the present end. */
async function outOfOrder({ store, sessions }: RegistryContext, session: UploadSession): Promise<Response> {
  const { id, repository } = session;
  const size = await store.uploads.size(id);
  if (!await sessions.find(repository, id)) return uploadUnknown();
  const headers = progressHeaders(session, size);
  return refuse(416, "BLOB_UPLOAD_INVALID", { message: `the next chunk has to start at byte ${size}`, headers });
}

function contentLength(request: Request): number | undefined {
  const header = request.headers.get("Content-Length");
  return header === null || !/^\d+$/.test(header) ? undefined : Number(header);
}

function blobCreated(name: string, digest: Hash): Response {
  return replyEmpty(201, { "Location": `/v2/${name}/blobs/${digest}`, "Docker-Content-Digest": digest });
}

function progress(status: number, session: UploadSession, size: number): Response {
  return replyEmpty(status, progressHeaders(session, size));
}

/** Makes the headers with the URL and the size of a session. The form of `Range` has only `0-0` for no bytes. */
function progressHeaders(session: UploadSession, size: number): Record<string, string> {
  return {
    "Location": `/v2/${session.repository}/blobs/uploads/${session.id}`,
    "Range": `0-${Math.max(size - 1, 0)}`,
    "Docker-Upload-UUID": session.id,
  };
}

function uploadUnknown(): Response {
  return refuse(404, "BLOB_UPLOAD_UNKNOWN", { message: "the repository has no such upload; start a new one" });
}

function sizeInvalid(actual: number, promised: number): Response {
  return refuse(400, "SIZE_INVALID", { message: `the body has ${actual} bytes where ${promised} were promised` });
}

/** Answers bytes that have another digest; throws any other error. */
function digestMismatch(error: unknown, digest: Hash): Response {
  if (!(error instanceof DigestMismatchError)) throw error;
  return refuse(400, "DIGEST_INVALID", {
    message: "the uploaded bytes have another digest; start a new upload",
    detail: { digest },
  });
}

/** Answers a body that could not be read; throws a failure of the store. */
function bodyFailed(error: unknown): Response {
  if (error instanceof StoreError) throw error;
  return refuse(400, "BLOB_UPLOAD_INVALID", { message: "the body could not be read to its end" });
}
