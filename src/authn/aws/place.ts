import type { Surroundings } from "../surroundings.ts";

/** A place in AWS. */
export interface AwsPlace {
  /** The region: `eu-central-1`. */
  readonly region: string;
  /** What the names of its services end in: `amazonaws.com`, `amazonaws.com.cn`, … */
  readonly suffix: string;
}

/** The URL of a service, unless the environment names another one (`AWS_ENDPOINT_URL_STS`, `AWS_ENDPOINT_URL`). */
export function serviceUrl(service: string, usual: string, environment: Surroundings["environment"]): string {
  return environment(`AWS_ENDPOINT_URL_${service}`) || environment("AWS_ENDPOINT_URL") || usual;
}
