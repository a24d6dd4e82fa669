import { AuthError } from "../../errors.ts";
import { type Fields, optionalTextField, textField } from "../fields.ts";
import type { Expiring } from "../renewing.ts";
import type { Surroundings } from "../surroundings.ts";

/** The keys that requests to AWS are signed with; what providers of the AWS SDK for JavaScript give. */
export interface AwsCredentials {
  /** Names the key. */
  readonly accessKeyId: string;
  /** The key. */
  readonly secretAccessKey: string;
  /** Goes with a key that is lent. */
  readonly sessionToken?: string;
  /** When a key that is lent ends. */
  readonly expiration?: Date;
}

/** The keys in the environment. */
export function environmentCredentials(environment: Surroundings["environment"]): AwsCredentials | undefined {
  const accessKeyId = environment("AWS_ACCESS_KEY_ID");
  const secretAccessKey = environment("AWS_SECRET_ACCESS_KEY");
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: environment("AWS_SESSION_TOKEN") || undefined };
}

/** The keys as metadata servers give them: `AccessKeyId`, `SecretAccessKey`, `Token` and `Expiration`. */
export function readAwsCredentials(answer: Fields, source: string): Expiring<AwsCredentials> {
  return expiringAws({
    accessKeyId: textField(answer, "AccessKeyId", source),
    secretAccessKey: textField(answer, "SecretAccessKey", source),
    sessionToken: optionalTextField(answer, "Token", source),
    expiration: readExpiration(optionalTextField(answer, "Expiration", source), source),
  });
}

/** Keys with their end; those that nobody says the end of have none. */
export function expiringAws(credentials: AwsCredentials): Expiring<AwsCredentials> {
  return { value: credentials, expiresAt: credentials.expiration?.getTime() ?? Infinity };
}

/** Reads a moment as RFC 3339 has it. @throws {AuthError} when it is none. */
export function readExpiration(text: string | undefined, source: string): Date | undefined {
  if (text === undefined) return undefined;
  const moment = new Date(text);
  if (Number.isNaN(moment.getTime())) throw new AuthError(`${source}: "Expiration" is no time`);
  return moment;
}
