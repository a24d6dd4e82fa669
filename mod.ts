/**
 * Container images and registries for the web platform: inspect, build, change, copy and validate images in registries,
 * tarballs and OCI layouts, on Deno, Bun, Node.js, Workers and in browsers.
 *
 * Everything is a source or a sink of one thing: an immutable, lazy view ({@linkcode Image}, {@linkcode ImageIndex},
 * {@linkcode Layer}). The registry server is `@gcrane/gcrane/registry`, the command line `@gcrane/gcrane/cli`.
 *
 * @example
 * ```ts
 * import { crane, randomImage } from "@gcrane/gcrane";
 * import { createRegistry } from "@gcrane/gcrane/registry";
 *
 * const options = { fetch: createRegistry().fetch }; // leave out to speak to real registries
 * await crane.push(randomImage(), "registry.example.com/app:v1", options);
 * console.log(await crane.digest("registry.example.com/app:v1", options));
 * ```
 *
 * @module
 */
export * from "./src/errors.ts";
export * from "./src/spec/mod.ts";
export * from "./src/name/mod.ts";
export * from "./src/authn/mod.ts";
export * from "./src/image/mod.ts";
export * from "./src/mutate/mod.ts";
export * from "./src/layout/mod.ts";
export * from "./src/tarball/mod.ts";
export * from "./src/cache/mod.ts";
export * from "./src/daemon/mod.ts";
export * from "./src/remote/mod.ts";
export * as crane from "./src/crane/mod.ts";
export * as source from "./src/source/mod.ts";
export * as tar from "./src/tar/mod.ts";
export * as transport from "./src/transport/mod.ts";
