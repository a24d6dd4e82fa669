import { type Fields, momentField, optionalTextField, textField } from "../fields.ts";
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

/** The keys as servers lend them: `AccessKeyId`, `SecretAccessKey`, `Token` and `Expiration`. */
export function readAwsCredentials(answer: Fields, source: string): Expiring<AwsCredentials> {
  return {
    value: {
      accessKeyId: textField(answer, "AccessKeyId", source),
      secretAccessKey: textField(answer, "SecretAccessKey", source),
      sessionToken: optionalTextField(answer, "Token", source),
    },
    expiresAt: answer.Expiration === undefined ? Infinity : momentField(answer, "Expiration", source),
  };
}

/** Keys with their end; those that nobody says the end of have none. */
export function expiringAws(credentials: AwsCredentials): Expiring<AwsCredentials> {
  return { value: credentials, expiresAt: credentials.expiration?.getTime() ?? Infinity };
}
