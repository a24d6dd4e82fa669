import { UsageError } from "../src/errors.ts";
import type { BucketStore, RegistryStore, S3StoreOptions } from "../src/registry/mod.ts";
import type { Context } from "./command.ts";
import type { Flags } from "./flag.ts";
import { networkFetch } from "./network.ts";

/** The flags for the store of a registry. */
export const storeFlags = {
  disk: {
    type: "string",
    valueName: "DIR",
    completes: "directory",
    env: "GCRANE_REGISTRY_DISK",
    help: "Store the content in a directory instead of in memory",
  },
  s3: {
    type: "string",
    valueName: "URL",
    env: "GCRANE_REGISTRY_S3",
    help: "Store the content in a bucket of S3 or a compatible service: ENDPOINT/BUCKET[/PREFIX]",
  },
  s3Region: {
    type: "string",
    valueName: "NAME",
    env: "AWS_REGION",
    help: "The region of the bucket; us-east-1 by default",
  },
} as const satisfies Flags;

/** A store and its name. */
export interface NamedStore {
  /** The store. */
  readonly store: RegistryStore;
  /** Its location: `memory`, a directory, or the URL of a bucket. */
  readonly name: string;
  /** The same store, if it is in a bucket. */
  readonly bucket?: BucketStore;
}

/** Returns the store of the flags and the environment, in memory by default. */
export async function registryStore(
  flags: { disk?: string; s3?: string; s3Region?: string },
  context: Pick<Context, "environment" | "certificates">,
): Promise<NamedStore> {
  const { disk, s3 } = flags;
  if (disk !== undefined && s3 !== undefined) throw new UsageError("--disk and --s3 exclude each other");
  const { fileStore, memoryStore, s3Store } = await import("../src/registry/mod.ts");
  if (disk !== undefined) return { store: fileStore(disk), name: disk };
  if (s3 === undefined) return { store: memoryStore(), name: "memory" };
  try {
    const bucket = s3Store({
      ...s3Options(s3, flags.s3Region, context.environment),
      fetch: networkFetch({ ...context, fetch: undefined }),
    });
    return { store: bucket, name: s3, bucket };
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message, { cause: error }) : error;
  }
}

function s3Options(
  text: string,
  region: string | undefined,
  environment: (name: string) => string | undefined,
): S3StoreOptions {
  const [, endpoint, bucket, prefix] = /^(https?:\/\/[^/?#@]+)\/([^/?#]+)(?:\/([^?#]*))?$/.exec(text) ?? [];
  if (endpoint === undefined) {
    throw new UsageError(`--s3 ${text.replace(/\/\/[^/]*@/, "//")} is not ENDPOINT/BUCKET`, {
      hint: "for example https://s3.eu-central-1.amazonaws.com/images; the keys are in the environment",
    });
  }
  const [accessKeyId, secretAccessKey] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map((name) => {
    const value = environment(name);
    if (!value) throw new UsageError(`--s3 needs ${name} in the environment`);
    return value;
  });
  return {
    endpoint,
    bucket,
    region,
    accessKeyId,
    secretAccessKey,
    sessionToken: environment("AWS_SESSION_TOKEN") || undefined,
    prefix: prefix ? prefix.replace(/\/?$/, "/") : undefined,
  };
}
