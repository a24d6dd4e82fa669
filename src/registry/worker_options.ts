import type { R2BucketLike } from "./r2_store.ts";
import type { RegistryOptions } from "./registry.ts";

/** What a Worker is bound to and configured with. */
export interface WorkerEnvironment {
  /** The bucket that holds the registry. */
  readonly BUCKET: R2BucketLike;
  /** `true` for a registry that nobody changes. */
  readonly GCRANE_REGISTRY_READ_ONLY?: string;
}

/** The options of the registry, from the variables and secrets of the Worker. */
export function workerOptions(environment: WorkerEnvironment): Omit<RegistryOptions, "store"> {
  return {
    readOnly: environment.GCRANE_REGISTRY_READ_ONLY === "true",
    onError: (error, request) => {
      const where = request ? `${request.method} ${new URL(request.url).pathname}: ` : "";
      console.error(`${where}${(error as Error).message}`);
    },
  };
}
