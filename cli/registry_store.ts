import { UsageError } from "../src/errors.ts";
import type { awsKeys } from "../src/authn/aws/internal.ts";
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
    help:
      "Store the content in a bucket of S3 or a compatible service, ENDPOINT/BUCKET[/PREFIX], with the keys that AWS's tools would use",
  },
  s3Region: {
    type: "string",
    valueName: "NAME",
    env: "AWS_REGION",
    help: "The region of the bucket; us-east-1 by default",
  },
  s3VirtualHost: {
    type: "boolean",
    env: "GCRANE_REGISTRY_S3_VIRTUAL_HOST",
    help: "Put the bucket's name into the host of its URLs, BUCKET.ENDPOINT, instead of into their path",
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
  flags: { disk?: string; s3?: string; s3Region?: string; s3VirtualHost: boolean },
  context: Pick<Context, "environment" | "certificates">,
): Promise<NamedStore> {
  const { disk, s3 } = flags;
  if (disk !== undefined && s3 !== undefined) throw new UsageError("--disk and --s3 exclude each other");
  const { fileStore, memoryStore, s3Store } = await import("../src/registry/mod.ts");
  if (disk !== undefined) return { store: fileStore(disk), name: disk };
  if (s3 === undefined) return { store: memoryStore(), name: "memory" };
  try {
    const { environment } = context;
    const fetch = networkFetch({ ...context, fetch: undefined });
    const bucket = s3Store({
      ...s3Options(s3),
      region: flags.s3Region,
      pathStyle: !flags.s3VirtualHost,
      credentials: await bucketKeys({ region: flags.s3Region, environment, fetch }),
      fetch,
    });
    return { store: bucket, name: s3, bucket };
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message, { cause: error }) : error;
  }
}

/** Returns a function that returns the keys of the bucket; throws if there are none now. */
async function bucketKeys(options: Parameters<typeof awsKeys>[0]): Promise<NonNullable<S3StoreOptions["credentials"]>> {
  const { awsKeys } = await import("../src/authn/aws/internal.ts");
  const keys = awsKeys(options);
  await keys();
  return keys;
}

function s3Options(text: string): S3StoreOptions {
  const [, endpoint, bucket, prefix] = /^(https?:\/\/[^/?#@]+)\/([^/?#]+)(?:\/([^?#]*))?$/.exec(text) ?? [];
  if (endpoint === undefined) {
    throw new UsageError(`--s3 ${text.replace(/\/\/[^/]*@/, "//")} is not ENDPOINT/BUCKET`, {
      hint: "for example https://s3.eu-central-1.amazonaws.com/images",
    });
  }
  return { endpoint, bucket, prefix: prefix ? prefix.replace(/\/?$/, "/") : undefined };
}
