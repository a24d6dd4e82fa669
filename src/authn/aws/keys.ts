import { AuthError } from "../../errors.ts";
import type { AbortOptions } from "../../io/mod.ts";
import { renewing } from "../renewing.ts";
import { type CloudKeychainOptions, surroundingsOf } from "../surroundings.ts";
import { findAwsCredentials } from "./chain.ts";
import type { AwsCredentials } from "./credentials.ts";

/**
 * Makes a function that returns the keys of AWS: the first of environment, web identity, shared files, container,
 * machine. They are looked for on its first call, and renewed before they expire.
 *
 * @param options.region the region whose security token service is asked, if the environment names none
 */
export function awsKeys(
  options: Pick<CloudKeychainOptions, "environment" | "home" | "readFile" | "now" | "wait"> & {
    region?: string;
    fetch?: (url: string, init: RequestInit) => Promise<Response>;
  } = {},
): (options?: AbortOptions) => Promise<AwsCredentials> {
  const { region = "us-east-1", fetch, ...others } = options;
  const surroundings = surroundingsOf({ ...others, fetch: fetch as typeof globalThis.fetch | undefined });
  const suffix = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  const keys = renewing(() => findAwsCredentials({ region, suffix }, surroundings), surroundings);
  return async (options) => {
    const found = await keys(options);
    if (found) return found;
    throw new AuthError("neither the environment, nor AWS's files, a container or a machine of AWS has keys", {
      hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    });
  };
}
