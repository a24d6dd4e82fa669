/**
 * A registry server as a fetch handler: the OCI distribution-spec 1.1 with Google's extension of the list of tags, over
 * a store in memory, in a directory, in a bucket, or of your own.
 *
 * @example
 * ```ts
 * import { createRegistry } from "@gcrane/gcrane/registry";
 *
 * const registry = createRegistry();
 * const repository = "http://registry.example.com/v2/tools/hello";
 *
 * const bytes = new TextEncoder().encode("{}");
 * const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
 * const digest = `sha256:${Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
 * await registry.fetch(`${repository}/blobs/uploads/?digest=${digest}`, { method: "POST", body: bytes });
 *
 * const mediaType = "application/vnd.oci.image.manifest.v1+json";
 * const config = { mediaType: "application/vnd.oci.empty.v1+json", digest, size: bytes.length };
 * await registry.fetch(`${repository}/manifests/v1`, {
 *   method: "PUT",
 *   headers: { "Content-Type": mediaType },
 *   body: JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [] }),
 * });
 *
 * const pulled = await registry.fetch(`${repository}/manifests/v1`);
 * console.log(pulled.status, (await pulled.json()).config.digest === digest); // 200 true
 * ```
 *
 * @module
 */
export { createRegistry, type RegistryHandler, type RegistryOptions } from "./registry.ts";
export type { AccessQuestion, AccessScope, RegistryAccess, RegistryAction, RegistryCaller } from "./access/access.ts";
export type { AccessRule } from "./access/access_rules.ts";
export { accessFromSettings, type AccessSettings, type AccessSettingsOptions } from "./access/access_settings.ts";
export type { RegistryJwk, TrustedKeys } from "./access/token_keys.ts";
export { basicAccess, type BasicAccessOptions } from "./access/basic_access.ts";
export type { CacheOutcome, RequestContext, RequestRecord } from "./http/exchange.ts";
export { tokenAccess, type TokenAccessOptions } from "./access/token_access.ts";
export { evictCachedContent, type EvictCachedContentOptions } from "./cache/eviction.ts";
export type { ProxyOptions } from "./cache/upstream.ts";
export type { UsersOptions } from "./access/users.ts";
export type { TlsCertificate } from "../runtime/mod.ts";
export { type RegistryServer, serveRegistry, type ServeRegistryOptions, type ShutdownOptions } from "./serve.ts";
export type { GarbageBlob } from "./gc/garbage_pass.ts";
export { collectStoreGarbage, type CollectStoreGarbageOptions, type StoreGarbage } from "./gc/garbage.ts";
export { collectStoreGarbageEvery, type CollectStoreGarbageEveryOptions } from "./gc/garbage_rounds.ts";
export { memoryStore } from "./stores/memory_store.ts";
export { fileStore, type FileStoreOptions } from "./stores/file/file_store.ts";
export type { BucketStore } from "./stores/bucket/object_store.ts";
export { s3Store } from "./stores/bucket/s3_bucket.ts";
export type { AwsCredentials } from "../authn/ecr/mod.ts";
export type { S3StoreOptions } from "./stores/bucket/s3_options.ts";
export { r2Store, type R2StoreOptions } from "./stores/bucket/r2_bucket.ts";
export type { R2BucketLike, R2MultipartUploadLike, R2ObjectLike } from "./stores/bucket/r2_binding.ts";
export type {
  BlobListOptions,
  BlobRange,
  BlobStore,
  RecordStore,
  RegistryStore,
  StoreAppendOptions,
  StoredBlob,
  StoredUpload,
  StoreFinishOptions,
  StoreListOptions,
  StorePutOptions,
  StoreUsage,
  UploadStore,
} from "./stores/store.ts";
