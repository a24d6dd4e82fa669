/**
 * Names of registries, repositories and manifests.
 *
 * {@linkcode parseReference} reads what people type. A reference has the form as typed (`toString()`) and the full form
 * (`name`), and everything that a client needs to find the manifest: its `registry` and `repository`, which are objects
 * of their own, and its tag or digest (`identifier`).
 *
 * @example
 * ```ts
 * import { parseReference, parseRepository } from "@gcrane/gcrane/name";
 *
 * const reference = parseReference("ubuntu");
 * console.log(reference.kind); // tag
 * console.log(reference.name); // index.docker.io/library/ubuntu:latest
 * console.log(reference.repository.path); // library/ubuntu
 *
 * const repository = parseRepository("localhost:5000/team/app");
 * console.log(repository.tag("v1").name); // localhost:5000/team/app:v1
 * console.log(repository.registry.schemes); // [ "https", "http" ]
 * ```
 *
 * @module
 */
export { DEFAULT_REGISTRY, DEFAULT_TAG, type NameOptions } from "./options.ts";
export { parseDigest, parseReference, parseRegistry, parseRepository, parseTag } from "./parse.ts";
export type { DigestReference, Reference, ReferenceBase, Registry, Repository, TagReference } from "./reference.ts";
export { type Scheme, schemes, type SchemesOptions } from "./scheme.ts";
export { type Action, CATALOG_SCOPE, pullScope, scope } from "./scope.ts";
