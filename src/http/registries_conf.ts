import { FileError } from "../errors.ts";
import { fileFailure } from "../io/mod.ts";
import { homeDirectory, isMissing, joinPath, readDirectory } from "../runtime/mod.ts";
import type { Environment } from "./proxy.ts";
import type { RegistrySettings } from "./registry_lookup.ts";
import { readToml, type TomlTable } from "./toml_file.ts";

/** An entry of registries.conf (containers-registries.conf(5)). */
export interface RegistryRule {
  /** What the name of a registry or a repository begins with; `*.example.com` is any host below. */
  readonly prefix: string;
  /** What replaces the prefix where the content is; the same where it is not given. */
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly mirrors: readonly { readonly location: string; readonly insecure: boolean }[];
  /** The path of the file. */
  readonly file: string;
}

/**
 * What a text with entries has. Most files have none, but long lists of aliases, which take time to parse; `registry` in
 * quotes with a text is one of these.
 */
const ENTRIES = /^\s*(?:(?:\[+\s*["']?)?registr(?:y|ies)\b|["']registr(?:y|ies)["']\s*(?:\.|=\s*[[{]))/m;

/** The folder of the whole machine's files. */
const SYSTEM = "/etc/containers";

/**
 * Reads registries.conf, the user's before the machine's, or what CONTAINERS_REGISTRIES_CONF names, and the files in
 * both registries.conf.d. An entry replaces those of earlier files with the same prefix.
 *
 * @throws {FileError} if a file can't be read, is not TOML or has a value of another type.
 */
export async function readRegistriesConf(environment: Environment): Promise<readonly RegistryRule[]> {
  const home = environment("HOME") || homeDirectory();
  const own = environment("XDG_CONFIG_HOME") || (home && joinPath(home, ".config"));
  const folders = [SYSTEM, ...(own ? [joinPath(own, "containers")] : [])];
  const [main, further] = await Promise.all([
    mainFile(environment("CONTAINERS_REGISTRIES_CONF"), folders),
    Promise.all(folders.map(dropIns)),
  ]);
  const files = [main, ...await Promise.all(further.flat().map((path) => readToml(path, ENTRIES)))];
  const rules = new Map<string, RegistryRule>();
  for (const file of files) for (const rule of file ? rulesOf(file) : []) rules.set(rule.prefix, rule);
  return [...rules.values()];
}

async function mainFile(named: string | undefined, folders: readonly string[]): Promise<TomlTable | undefined> {
  if (named) {
    const file = await readToml(named, ENTRIES);
    if (file) return file;
    throw new FileError(`can't read ${named}: there is no such file`, { hint: "CONTAINERS_REGISTRIES_CONF names it" });
  }
  for (const folder of folders.toReversed()) {
    const file = await readToml(joinPath(folder, "registries.conf"), ENTRIES);
    if (file) return file;
  }
  return undefined;
}

async function dropIns(folder: string): Promise<string[]> {
  const path = joinPath(folder, "registries.conf.d");
  try {
    const names = (await readDirectory(path)).map(({ name }) => name);
    return names.filter((name) => name.endsWith(".conf")).sort().map((name) => joinPath(path, name));
  } catch (error) {
    if (isMissing(error)) return [];
    throw fileFailure(`can't read ${path}`, error);
  }
}

function rulesOf(file: TomlTable): RegistryRule[] {
  // Version 1 of the format has two lists instead.
  const old = file.table("registries");
  const named = (list: string, flags: { insecure?: boolean; blocked?: boolean }) =>
    (old.table(list).texts("registries") ?? []).map((prefix) => ({ ...ruleOf(file, prefix), ...flags }));
  return [
    ...named("insecure", { insecure: true }),
    ...named("block", { blocked: true }),
    ...file.list("registry").map(readRule),
  ];
}

function ruleOf({ file }: TomlTable, prefix: string): RegistryRule {
  return { prefix, location: prefix, insecure: false, blocked: false, mirrors: [], file };
}

function readRule(table: TomlTable): RegistryRule {
  const location = locationOf(table);
  const prefix = table.text("prefix") || location;
  if (!prefix) throw table.fault("location", "given, nor is prefix");
  // Content is read by digest alone, so mirror-by-digest-only changes nothing.
  return {
    ...ruleOf(table, prefix),
    location: location || prefix,
    insecure: table.flag("insecure"),
    blocked: table.flag("blocked"),
    mirrors: table.list("mirror").filter((mirror) => wayOf(mirror) !== "tag-only").map((mirror) => {
      const location = locationOf(mirror);
      if (!location) throw mirror.fault("location", "given");
      return { location, insecure: mirror.flag("insecure") };
    }),
  };
}

function wayOf(mirror: TomlTable): string {
  const way = mirror.text("pull-from-mirror") || "all";
  if (["all", "digest-only", "tag-only"].includes(way)) return way;
  throw mirror.fault("pull-from-mirror", "all, digest-only or tag-only");
}

function locationOf(table: TomlTable): string | undefined {
  const location = table.text("location")?.replace(/\/+$/, "");
  if (!location || URL.canParse(`https://${location}`) && !location.includes("://")) return location;
  throw table.fault("location", "HOST[:PORT][/PATH]");
}

/** Returns the settings of the rule with the longest prefix of a name; `undefined` if there is none. */
export function findRule(rules: readonly RegistryRule[], name: string): RegistrySettings | undefined {
  const [found] = rules.flatMap((rule) => {
    const rest = restOf(name, rule.prefix);
    return rest === undefined ? [] : [{ rule, rest }];
  }).sort((one, other) => other.rule.prefix.length - one.rule.prefix.length);
  if (!found) return undefined;
  const { rule: { prefix, location, insecure, blocked, mirrors, file }, rest } = found;
  const isElsewhere = location !== prefix;
  const places = [...mirrors, ...(isElsewhere ? [{ location, insecure }] : [])];
  return {
    // A location of its own is the place that the entry is about.
    insecure: insecure && !isElsewhere,
    ...(blocked && { blockedBy: file }),
    mirrors: places.flatMap(({ location, insecure }) => {
      const [, host, repository] = /^([^/]+)\/(.+)$/.exec(`${location}${rest}`) ?? [];
      return host === undefined ? [] : [{ host, root: "/v2", repository, insecure }];
    }),
  };
}

/** Returns what follows a prefix in a name; `undefined` if the name does not begin with it. */
function restOf(name: string, prefix: string): string | undefined {
  const isAnyBelow = prefix.startsWith("*.");
  const start = isAnyBelow ? name.indexOf(prefix.slice(1)) : 0;
  if (isAnyBelow ? start <= 0 || name.slice(0, start).includes("/") : !name.startsWith(prefix)) return undefined;
  const rest = name.slice(start + prefix.length - (isAnyBelow ? 1 : 0));
  return rest === "" || /^[:/]/.test(rest) ? rest : undefined;
}
