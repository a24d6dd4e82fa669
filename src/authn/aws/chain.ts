import type { Expiring } from "../renewing.ts";
import type { Surroundings } from "../surroundings.ts";
import { containerCredentials } from "./container.ts";
import { type AwsCredentials, environmentCredentials, expiringAws } from "./credentials.ts";
import { instanceCredentials } from "./instance.ts";
import type { AwsPlace } from "./place.ts";
import { profileCredentials } from "./profile.ts";
import { webIdentityCredentials } from "./web_identity.ts";

/**
 * Returns the keys of AWS from the first of: environment, web identity, shared files, container, machine.
 *
 * @throws {AuthError} if the first one present is broken: the next may be another identity.
 */
export async function findAwsCredentials(
  place: AwsPlace,
  surroundings: Surroundings,
): Promise<Expiring<AwsCredentials> | undefined> {
  const fromEnvironment = environmentCredentials(surroundings.environment);
  if (fromEnvironment !== undefined) return expiringAws(fromEnvironment);
  const lent = await webIdentityCredentials(place, surroundings);
  if (lent !== undefined) return lent;
  const shared = await profileCredentials(surroundings);
  if (shared !== undefined) return expiringAws(shared);
  return await containerCredentials(surroundings) ?? await instanceCredentials(surroundings);
}
