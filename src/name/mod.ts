/**
 * Names of registries, repositories and manifests.
 *
 * {@linkcode parseReference} parses user input. A reference keeps the text as typed (`toString()`) and its full form
 * (`name`), and gives a client what it needs to find the manifest: the registry, the repository and the tag or digest.
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
