import type { Expiring } from "../renewing.ts";
import type { Surroundings } from "../surroundings.ts";
import { containerCredentials } from "./container.ts";
import { type AwsCredentials, environmentCredentials, expiringAws } from "./credentials.ts";
import { instanceCredentials } from "./instance.ts";
import type { AwsPlace } from "./place.ts";
import { profileCredentials } from "./profile.ts";
import { webIdentityCredentials } from "./web_identity.ts";

/**
 * The keys of AWS that are here, the first of: environment, web identity, shared files, container, machine.
 *
 * @throws {AuthError} when the first that is there is broken: the next may be somebody else's.
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
