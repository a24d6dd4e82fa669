import type { AwsPlace } from "../aws/place.ts";

/** The service that issues the credentials for a registry of ECR. */
export interface EcrService extends AwsPlace {
  /** Its URL. */
  readonly url: string;
  /** Its name in signatures. */
  readonly name: "ecr" | "ecr-public";
}

/** `ACCOUNT.dkr.ecr.REGION.SUFFIX`, or `ACCOUNT.dkr-ecr.REGION.on.SUFFIX` with IPv6. */
const HOST = /^\d{12}\.dkr([.-])ecr(-fips)?\.([a-z0-9][a-z0-9_-]*)\.([a-z0-9.-]+)$/;

/** The suffixes of AWS's partitions: standard, China, European, and isolated ones. */
const SUFFIXES = new Set([
  "amazonaws.com",
  "amazonaws.com.cn",
  "amazonaws.eu",
  "c2s.ic.gov",
  "sc2s.sgov.gov",
  "cloud.adc-e.uk",
  "csp.hci.ic.gov",
]);

/** By the suffix of a host with IPv6: the suffix of services with IPv6, and that of all services. */
const DUAL_STACK: Readonly<Record<string, { readonly api: string; readonly suffix: string }>> = {
  "on.aws": { api: "api.aws", suffix: "amazonaws.com" },
  "on.amazonwebservices.com.cn": { api: "api.amazonwebservices.com.cn", suffix: "amazonaws.com.cn" },
};

/** ECR Public, which has one region. */
const PUBLIC: EcrService = {
  url: "https://api.ecr-public.us-east-1.amazonaws.com/",
  name: "ecr-public",
  region: "us-east-1",
  suffix: "amazonaws.com",
};

/** Returns the service for the host of a registry; `undefined` for a host outside ECR. */
export function ecrService(host: string): EcrService | undefined {
  if (host === "public.ecr.aws" || host === "ecr-public.aws.com") return PUBLIC;
  const [, separator, fips = "", region, ending] = HOST.exec(host) ?? [];
  if (separator === "-") {
    if (!Object.hasOwn(DUAL_STACK, ending)) return undefined;
    const { api, suffix } = DUAL_STACK[ending];
    return { url: `https://ecr${fips}.${region}.${api}/`, name: "ecr", region, suffix };
  }
  if (separator === undefined || !SUFFIXES.has(ending)) return undefined;
  // FIPS in the standard partition has an older name without `api.`.
  const api = fips !== "" && ending === "amazonaws.com" ? "ecr-fips" : `api.ecr${fips}`;
  return { url: `https://${api}.${region}.${ending}/`, name: "ecr", region, suffix: ending };
}
