/**
 * Lock files of npm, pnpm, yarn, Bun and Deno, read as their production set. Internal to the room.
 *
 * @module
 */
export { checkLock } from "./check_lock.ts";
export { directDependencies } from "./direct_dependencies.ts";
export { platformFields } from "./fields.ts";
export { type Manifests, readManifests } from "./manifests.ts";
export { readLock, type ReadLockOptions } from "./read_lock.ts";
