import { fileFailure } from "../io/mod.ts";
import { dirName, exists, homeDirectory, joinPath, readTextFile, resolvePath } from "../runtime/mod.ts";
import type { Environment } from "./proxy.ts";
import type { Mirror } from "./registry_lookup.ts";
import { readToml, type TomlTable } from "./toml_file.ts";

/**
 * Returns the mirrors of a repository that the first `HOST/hosts.toml` of containerd or docker names: its hosts that
 * may be pulled from, in the order of the file, and then its server, if that is another host.
 *
 * @throws {FileError} if a file can't be read, is not TOML or has a value of another type.
 */
export async function hostsMirrors(environment: Environment, name: string): Promise<readonly Mirror[]> {
  const [host, ...rest] = name.split("/");
  if (rest.length === 0) return [];
  const file = await hostsFile(environment, host);
  if (!file) return [];
  const context = { host, repository: rest.join("/") };
  const hosts = file.table("host");
  const mirrors = hosts.keys().map((url) => [url, hosts.table(url)] as const)
    .filter(([, table]) => table.texts("capabilities")?.includes("pull") ?? true);
  const server = file.text("server");
  const last = server ? await mirrorOf(server, file, context) : undefined;
  return [
    ...await Promise.all(mirrors.map(([url, table]) => mirrorOf(url, table, context))),
    ...(last && last.host !== host ? [last] : []),
  ];
}

async function hostsFile(environment: Environment, host: string): Promise<TomlTable | undefined> {
  const home = environment("HOME") || homeDirectory();
  const names = [host, ...(host.includes(":") ? [host.replace(/:(\d+)$/, "_$1_")] : []), "_default"];
  for (const program of ["containerd", "docker"]) {
    for (const root of [...(home ? [joinPath(home, ".config")] : []), "/etc"]) {
      for (const name of names) {
        const path = joinPath(root, program, "certs.d", name, "hosts.toml");
        // A folder of the engine alone may be closed to its users.
        if (await exists(path).catch(() => false)) return await readToml(path);
      }
    }
  }
  return undefined;
}

async function mirrorOf(
  url: string,
  table: TomlTable,
  { host, repository }: { host: string; repository: string },
): Promise<Mirror> {
  const full = /^https?:\/\//i.test(url) ? url : `https://${url}`;
  if (!URL.canParse(full)) throw table.fault(url, "the URL of a host");
  const place = new URL(full);
  const path = place.pathname.replace(/\/+$/, "");
  const ca = await Promise.all((table.texts("ca") ?? []).map((each) => readBeside(table, each)));
  const headers = table.table("header");
  return {
    host: place.host,
    root: table.flag("override_path") || path.endsWith("/v2") ? path : `${path}/v2`,
    repository,
    // A cache of several registries chooses one of them by this name.
    query: `ns=${encodeURIComponent(host)}`,
    insecure: table.flag("skip_verify") || place.protocol === "http:",
    headers: Object.fromEntries(headers.keys().map((name) => [name, headers.texts(name)!.join(", ")])),
    ...(ca.length > 0 && { ca: ca.join("\n") }),
    ...await clientOf(table),
  };
}

/** Reads `client`: a file with both, a list of such files, or a list of pairs. One pair is used. */
async function clientOf(table: TomlTable): Promise<Pick<Mirror, "cert" | "key">> {
  const value = table.value("client");
  if (value === undefined) return {};
  const [first] = Array.isArray(value) ? value : [value];
  const [cert, key] = Array.isArray(first) ? first : [first];
  if (typeof cert !== "string" || (key !== undefined && typeof key !== "string")) {
    throw table.fault("client", "a file, a list of files, or a list of pairs of files");
  }
  return { cert: await readBeside(table, cert), ...(key && { key: await readBeside(table, key) }) };
}

/** Reads a file that is named relative to the folder of the table's file. */
async function readBeside({ file }: TomlTable, name: string): Promise<string> {
  const path = resolvePath(dirName(file), name);
  try {
    return await readTextFile(path);
  } catch (error) {
    throw fileFailure(`can't read ${path}, which ${file} names`, error);
  }
}
