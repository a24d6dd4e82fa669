import { AuthError } from "../errors.ts";
import { isHeaderText, isObject } from "../io/mod.ts";
import { type ConfigLocationOptions, dockerConfigPath, readFileIfThere } from "./config_location.ts";
import { parseDockerConfig } from "./docker_config.ts";

/** The headers that docker's config file adds to requests. */
export interface DockerHttpHeaders {
  /** For a Docker Engine: all of them. */
  readonly engine: Readonly<Record<string, string>>;
  /** For a registry: those that an engine passes on, whose names begin with `X-Meta-`. */
  readonly registry: Readonly<Record<string, string>>;
}

/**
 * Reads `HttpHeaders` of docker's config file. As with docker, all go to an engine, and of them an engine passes those
 * that begin with `X-Meta-` on to registries. There are none without the file.
 *
 * @throws {AuthError} if they are not valid; the message contains no value.
 */
export async function dockerHttpHeaders(options: ConfigLocationOptions = {}): Promise<DockerHttpHeaders> {
  const path = dockerConfigPath(options);
  const text = path === undefined ? undefined : await readFileIfThere(path);
  if (path === undefined || text === undefined) return { engine: {}, registry: {} };
  const { HttpHeaders: headers = {} } = parseDockerConfig(text, path);
  const problem = !isObject(headers)
    ? `"HttpHeaders" is not an object`
    : Object.entries(headers).filter(([name, value]) => !isHeader(name, value)).map(([name]) =>
      `"HttpHeaders" has ${JSON.stringify(name)}, which is not a valid header`
    )[0];
  if (problem !== undefined) throw new AuthError(`${path}: ${problem}`, { hint: "fix the file or move it away" });
  const entries = Object.entries(headers as Record<string, string>);
  const passed = entries.filter(([name]) => /^x-meta-/i.test(name));
  return { engine: Object.fromEntries(entries), registry: Object.fromEntries(passed) };
}

function isHeader(name: string, value: unknown): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name) && typeof value === "string" && isHeaderText(value);
}
