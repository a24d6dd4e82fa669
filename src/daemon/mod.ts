/**
 * The images of a Docker Engine, or of podman, which speaks the same API: inspect, save, load and tag them over a unix
 * socket, TCP or TLS.
 *
 * {@linkcode DockerEngine} finds the engine as Docker's client does (`DOCKER_HOST`, `DOCKER_TLS_VERIFY`,
 * `DOCKER_CERT_PATH`) and needs no `docker` to be installed. {@linkcode imageFromDaemon} gives an `Image` of the engine,
 * and {@linkcode writeToDaemon} puts one into it.
 *
 * @example
 * ```ts
 * import { DockerEngine } from "@gcrane/gcrane/daemon";
 *
 * const answer = () => Promise.resolve(new Response("OK", { headers: { "api-version": "1.41" } }));
 * const engine = new DockerEngine({ fetch: answer }); // leave out to speak to the real one
 * console.log((await engine.ping()).apiVersion); // 1.41
 * ```
 *
 * @module
 */
export type { EngineAddressOptions } from "./address.ts";
export type { ApiVersion } from "./api_version.ts";
export type { EngineCertificates } from "./certificates.ts";
export type { DockerEngineOptions, EnginePing } from "./connection.ts";
export { DockerEngine, type EngineImageOptions } from "./engine.ts";
export type { ImageHistoryStep, ImageInspection } from "./inspection.ts";
export { type DaemonImage, type DaemonOptions, imageFromDaemon, type ImageFromDaemonOptions } from "./image.ts";
export { writeToDaemon, type WriteToDaemonOptions } from "./write.ts";
