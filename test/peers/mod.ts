/**
 * The real programs that tests work with: started, run, and skipped where they are absent.
 *
 * @module
 */

export { available, pathOf, type Peer } from "./available.ts";
export { type Containerd, containerd } from "./containerd.ts";
export { dockerEngine, type Engine, podmanEngine } from "./engines.ts";
export { bundleForWeb } from "./bundle.ts";
export { type Browser, chromium } from "./chromium.ts";
export { type DockerRegistry, dockerRegistry, type DockerRegistryOptions, registryUser } from "./docker_registry.ts";
export { inPage, type PageResult } from "./page.ts";
export { describePeer, peerIt, type PeerTestOptions } from "./peer_tests.ts";
export { podman, runPeer, runPeerForBytes, type RunPeerOptions, skopeo, tar, umoci } from "./programs.ts";
export { type NodeProgram, s3rver, workerd, type WorkerdOptions } from "./node_programs.ts";
export { moto, type MotoOptions, radosgw, type S3Server } from "./s3_servers.ts";
export { freePort, type ServerProcess, startServer } from "./server_process.ts";
export { Terminal, type TerminalOptions } from "./terminal.ts";
