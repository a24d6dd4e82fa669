import { type Fields, momentField, optionalTextField, textField } from "../fields.ts";
import type { Expiring } from "../renewing.ts";
import type { Surroundings } from "../surroundings.ts";

/** The keys that sign requests to AWS, as providers of the AWS SDK for JavaScript return them. */
export interface AwsCredentials {
  /** The id of the key. */
  readonly accessKeyId: string;
  /** The key. */
  readonly secretAccessKey: string;
  /** The session token of a temporary key. */
  readonly sessionToken?: string;
  /** The expiry of a temporary key. */
  readonly expiration?: Date;
}

/** Returns the keys in the environment. */
export function environmentCredentials(environment: Surroundings["environment"]): AwsCredentials | undefined {
  const accessKeyId = environment("AWS_ACCESS_KEY_ID");
  const secretAccessKey = environment("AWS_SECRET_ACCESS_KEY");
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: environment("AWS_SESSION_TOKEN") || undefined };
}

/** Reads the keys in a server's answer: `AccessKeyId`, `SecretAccessKey`, `Token` and `Expiration`. */
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

/** Adds an expiry to keys; keys without an expiration never expire. */
export function expiringAws(credentials: AwsCredentials): Expiring<AwsCredentials> {
  return { value: credentials, expiresAt: credentials.expiration?.getTime() ?? Infinity };
}
