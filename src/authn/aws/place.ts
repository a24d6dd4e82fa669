import type { Surroundings } from "../surroundings.ts";

/** A region of AWS. */
export interface AwsPlace {
  /** The region: `eu-central-1`. */
  readonly region: string;
  /** The domain of its services: `amazonaws.com`, `amazonaws.com.cn`, … */
  readonly suffix: string;
}

/** Returns the URL of a service, or its replacement in the environment (`AWS_ENDPOINT_URL_STS`, `AWS_ENDPOINT_URL`). */
export function serviceUrl(service: string, usual: string, environment: Surroundings["environment"]): string {
  return environment(`AWS_ENDPOINT_URL_${service}`) || environment("AWS_ENDPOINT_URL") || usual;
}
