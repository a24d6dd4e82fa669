import { isObject } from "../io/mod.ts";
import type { Configuration } from "./configuration.ts";
import type { ProjectFiles } from "./project_files.ts";

/** The prefix of OCI's names (image-spec, "Pre-Defined Annotation Keys"). */
const PREFIX = "org.opencontainers.image.";

/** What the labels and annotations of an image state. */
export interface LabelFacts {
  readonly configuration: Configuration;
  /** The commit that is built. */
  readonly revision?: string;
  /** When, in seconds since 1970. */
  readonly mtime: number;
  /** The name of the base, if it is one that may move, and its digest. */
  readonly base: { readonly name?: string; readonly digest: string };
}

/** Returns the labels and annotations of OCI that are known of an image. */
export function ociLabels({ configuration, revision, mtime, base }: LabelFacts): Record<string, string> {
  const { packageJson, denoJson } = configuration;
  const own = packageJson ?? denoJson?.value ?? {};
  const text = (value: unknown) => typeof value === "string" && value !== "" ? value : undefined;
  const labels: Record<string, string | undefined> = {
    created: new Date(mtime * 1000).toISOString().replace(".000Z", "Z"),
    title: text(own.name),
    description: text(own.description),
    version: text(own.version),
    licenses: text(own.license),
    source: sourceOf(own.repository),
    revision,
    "base.name": base.name,
    "base.digest": base.digest,
  };
  return Object.fromEntries(
    Object.entries(labels).flatMap(([name, value]) => value === undefined ? [] : [[PREFIX + name, value]]),
  );
}

/** Returns OCI's names among those of a base, which do not hold for what is built on it, each with `null`. */
export function withoutOciLabels(labels: Readonly<Record<string, string>> | null | undefined): Record<string, null> {
  return Object.fromEntries(
    Object.keys(labels ?? {}).filter((name) => name.startsWith(PREFIX)).map((name) => [name, null]),
  );
}

/** Returns the address of the sources in `repository` of package.json, as a browser opens it, without credentials. */
function sourceOf(repository: unknown): string | undefined {
  const given = isObject(repository) ? repository.url : repository;
  if (typeof given !== "string" || given === "") return undefined;
  const short = /^(?:(github|gitlab|bitbucket):)?([\w.-]+\/[\w.-]+)$/.exec(given);
  if (short) {
    const host = short[1] === "bitbucket" ? "bitbucket.org" : `${short[1] ?? "github"}.com`;
    return `https://${host}/${short[2]}`;
  }
  const address = given.replace(/^git\+/, "").replace(/^git:\/\//, "https://").replace(
    /^(?:ssh:\/\/)?git@([^:/]+)[:/]/,
    "https://$1/",
  );
  if (!URL.canParse(address)) return undefined;
  const url = new URL(address);
  if (url.protocol !== "https:" && url.protocol !== "http:") return undefined;
  return `https://${url.host}${url.pathname.replace(/\.git$/, "")}`;
}

/** Reads the commit that is checked out in a project; `undefined` if git does not hold the project. */
export async function gitRevision(files: ProjectFiles): Promise<string | undefined> {
  const text = async (path: string) => {
    const bytes = await files.read(path);
    return bytes && new TextDecoder().decode(bytes).trim();
  };
  const head = await text(".git/HEAD");
  const reference = /^ref: (\S+)$/.exec(head ?? "")?.[1];
  const isCommit = (commit: string | undefined) => commit !== undefined && /^[0-9a-f]{40,64}$/.test(commit);
  if (reference === undefined) return isCommit(head) ? head : undefined;
  const own = await text(`.git/${reference}`);
  if (isCommit(own)) return own;
  const packed = await text(".git/packed-refs") ?? "";
  return packed.split("\n").find((line) => line.endsWith(` ${reference}`))?.split(" ")[0];
}
