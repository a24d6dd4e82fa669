import { type DockerHttpHeaders, dockerHttpHeaders } from "../src/authn/mod.ts";
import { lazy } from "../src/io/mod.ts";
import type { Context } from "./command.ts";

/** Returns a function that reads the headers of docker's config file once. */
export function headersOf(
  environment: Context["environment"],
  receiver: keyof DockerHttpHeaders,
): () => Promise<Readonly<Record<string, string>>> {
  return lazy(async () => (await dockerHttpHeaders({ environment }))[receiver]);
}
