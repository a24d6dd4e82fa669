import { UsageError } from "../../src/errors.ts";
import { type NameOptions, parseReference, parseRegistry, parseRepository } from "../../src/name/mod.ts";
import { MediaType, parsePlatform } from "../../src/spec/mod.ts";
import { type CopyRoot, parseRoot } from "../copy_route.ts";
import { at, Fields, type Node, withPath } from "./fields.ts";
import { intervalSchedule, parseSchedule, type SyncSchedule } from "./schedule.ts";
import type { SyncEntry, SyncFile, SyncImage, SyncReferrerFilter, SyncRegistry } from "./sync_file.ts";
import type { SyncWorld } from "./sync_world.ts";
import { chooser, type SyncChoice } from "./tag_choice.ts";
import { checkTemplate, expandTemplate, type TemplateData } from "./template.ts";

/** The shortest time between two looks at a source that has too few requests left, as regsync has it. */
const MIN_RETRY_MS = 300_000;

/** The media types of manifests that regsync copies by default. */
const MEDIA_TYPES = [
  MediaType.DockerManifestSchema2,
  MediaType.DockerManifestList,
  MediaType.OciManifest,
  MediaType.OciImageIndex,
] as const;

/** Settings that have no effect on what is copied. */
const TUNING = ["blobLimit", "cacheCount", "cacheTime"];

/** Reads a file of regsync. @throws {UsageError} for one that can't be followed as it is. */
export async function readRegsync(node: Node, world: SyncWorld): Promise<SyncFile> {
  const file = new Fields(node, "");
  file.ignore(...file.keys.filter((key) => key.startsWith("x-")));
  const version = file.count("version") ?? 1;
  if (version !== 1) throw new UsageError(`version ${version} is not known`, { hint: "gcrane reads version 1" });
  const creds = await inOrder(
    file.list("creds", (item, path) => [item, path] as const),
    (item) => readHost(item, world),
  );
  const defaults = file.map("defaults");
  const parallel = defaults.count("parallel");
  const userAgent = defaults.text("userAgent");
  const ownCredentials = defaults.boolean("skipDockerConfig") ?? false;
  defaults.ignore(...TUNING);
  const shared = readShared(defaults);
  defaults.end();
  const entries = await inOrder(
    file.list("sync", (item, path) => [item, path] as const),
    (item) => readEntry(item, shared, world),
  );
  file.end();
  if (entries.length === 0) throw new UsageError("sync has no entry");
  const rates = creds.flatMap(({ rate }) => rate ?? []);
  return {
    entries,
    registries: creds.map(({ registry }) => registry),
    ownCredentials,
    ...(parallel !== undefined && { parallel }),
    ...(userAgent !== undefined && { userAgent }),
    ...(rates.length > 0 && { rate: Math.max(1, Math.min(...rates)) }),
  };
}

type Item = readonly [node: Node, path: string];

async function inOrder<T>(items: readonly Item[], read: (item: Item) => Promise<T>): Promise<T[]> {
  const found: T[] = [];
  for (const item of items) found.push(await read(item));
  return found;
}

async function expanded(fields: Fields, key: string, data: TemplateData, world: SyncWorld) {
  const text = fields.text(key);
  if (text === undefined) return undefined;
  try {
    return (await expandTemplate(text, data, world)).trim();
  } catch (error) {
    throw withPath(fields.at(key), error);
  }
}

/** Settings of a host with no effect on what is copied. */
const HOST_TUNING = ["credExpire", "repoAuth", "priority", "blobChunk", "blobMax", "reqConcurrent", "api"];

async function readHost([node, path]: Item, world: SyncWorld): Promise<{ registry: SyncRegistry; rate?: number }> {
  const fields = new Fields(node, path);
  const read = (key: string) => expanded(fields, key, {}, world);
  fields.required("registry");
  const own = (await read("registry"))!.replace(/^https?:\/\//, "");
  const { name } = at(fields.at("registry"), () => parseRegistry(own));
  const [user, password, ca, cert, key] = await inTurn(["user", "pass", "regcert", "clientCert", "clientKey"], read);
  const tls = fields.text("tls")?.toLowerCase() ?? (fields.text("scheme") === "http" ? "disabled" : "enabled");
  fields.ignore("scheme");
  if (!["enabled", "insecure", "disabled"].includes(tls)) {
    throw new UsageError(`${fields.at("tls")} is ${JSON.stringify(tls)}`, {
      hint: "write enabled, insecure or disabled",
    });
  }
  const hostname = fields.text("hostname");
  if (hostname !== undefined && hostname !== own && parseRegistry(hostname).name !== name) {
    throw new UsageError(`${fields.at("hostname")} is another host than ${own}, which gcrane does not run`, {
      hint: "name the host itself in registry, source and target",
    });
  }
  for (const key of ["mirrors", "pathPrefix", "apiOpts", "credHost"]) {
    fields.refuse(key, "is a setting of regsync that gcrane does not run");
  }
  const helper = fields.text("credHelper")?.replace(/^docker-credential-/, "");
  const token = fields.text("token");
  const rate = fields.number("reqPerSec");
  fields.ignore(...HOST_TUNING);
  fields.end();
  if (password !== undefined && user === undefined) throw new UsageError(`${path} has pass without user`);
  const registry: SyncRegistry = {
    name,
    insecure: tls !== "enabled",
    ...(user !== undefined && { user, password: password ?? "" }),
    ...(token !== undefined && { token }),
    ...(helper !== undefined && { credentialHelper: helper }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
  return { registry, ...(rate !== undefined && { rate }) };
}

async function inTurn<T>(keys: readonly string[], read: (key: string) => Promise<T>): Promise<T[]> {
  const found: T[] = [];
  for (const key of keys) found.push(await read(key));
  return found;
}

/** The settings that both an entry and the defaults have. */
interface Shared {
  readonly backup: string | undefined;
  readonly schedule: SyncSchedule | undefined;
  readonly min: number | undefined;
  readonly retryMs: number | undefined;
  readonly mediaTypes: readonly string[];
  readonly digestTags: boolean | undefined;
  readonly referrers: boolean | undefined;
  readonly referrerFilters: readonly SyncReferrerFilter[] | undefined;
  readonly fastCheck: boolean | undefined;
  readonly forceRecursive: boolean | undefined;
  readonly includeExternal: boolean | undefined;
}

function readShared(fields: Fields): Shared {
  const backup = fields.text("backup");
  if (backup !== undefined) at(fields.at("backup"), () => checkTemplate(backup));
  const schedule = fields.text("schedule");
  const interval = fields.duration("interval");
  const limit = fields.map("ratelimit");
  const filters = fields.list("referrerFilters", readFilter);
  const [min, retryMs] = [limit.count("min"), limit.duration("retry")];
  limit.end();
  for (const key of ["hooks", "referrerSource", "referrerTarget"]) {
    fields.refuse(key, "is a setting of regsync that gcrane does not run");
  }
  // Annotations of referrers are read as the registry lists them.
  fields.ignore("referrerSlow");
  return {
    backup,
    schedule: schedule !== undefined
      ? at(fields.at("schedule"), () => parseSchedule(schedule))
      : interval !== undefined
      ? at(fields.at("interval"), () => intervalSchedule(interval, fields.text("interval")!))
      : undefined,
    min,
    retryMs,
    mediaTypes: fields.texts("mediaTypes"),
    digestTags: fields.boolean("digestTags"),
    referrers: fields.boolean("referrers"),
    referrerFilters: fields.has("referrerFilters") ? filters : undefined,
    fastCheck: fields.boolean("fastCheck"),
    forceRecursive: fields.boolean("forceRecursive"),
    includeExternal: fields.boolean("includeExternal"),
  };
}

function readFilter(node: Node, path: string): SyncReferrerFilter {
  const fields = new Fields(node, path);
  const artifactType = fields.text("artifactType");
  const map = fields.map("annotations");
  const annotations = Object.fromEntries(map.keys.map((key) => [key, map.text(key) ?? ""]));
  fields.end();
  return { ...(artifactType !== undefined && { artifactType }), ...(map.keys.length > 0 && { annotations }) };
}

function readChoice(node: Node | undefined, path: string, keys: readonly (keyof SyncChoice)[]): SyncChoice | undefined {
  const fields = new Fields(node, path);
  const choice: SyncChoice = Object.fromEntries(
    keys.map((key) => [key, fields.texts(key)] as const).filter(([, texts]) => texts.length > 0),
  );
  fields.end();
  at(path, () => chooser([choice]));
  return Object.keys(choice).length > 0 ? choice : undefined;
}

const TAG_KEYS = ["allow", "deny", "semverRange"] as const;

async function readEntry([node, path]: Item, defaults: Shared, world: SyncWorld): Promise<SyncEntry> {
  const fields = new Fields(node, path);
  const type = fields.required("type");
  const raw = { Type: type, Source: fields.required("source"), Target: fields.required("target") };
  const source = (await expanded(fields, "source", { Sync: raw }, world))!;
  const target = (await expanded(fields, "target", { Sync: { ...raw, Source: source } }, world))!;
  const own = readShared(fields);
  const read = <K extends keyof Shared>(key: K) => own[key] ?? defaults[key];
  const tags = readChoice(treeOf(node, "tags"), fields.at("tags"), TAG_KEYS);
  const tagSets = fields.list("tagSets", (item, path) => readChoice(item, path, TAG_KEYS) ?? {});
  const repositories = readChoice(treeOf(node, "repos"), fields.at("repos"), ["allow", "deny"]);
  fields.ignore("tags", "repos");
  const platform = fields.text("platform");
  const platforms = [...platform === undefined ? [] : [platform], ...fields.texts("platforms")];
  for (const text of platforms) at(fields.at(platform === text ? "platform" : "platforms"), () => parsePlatform(text));
  fields.end();
  const min = read("min");
  const retryMs = Math.max(own.retryMs ?? defaults.retryMs ?? 0, MIN_RETRY_MS);
  const [backup, schedule] = [read("backup"), read("schedule")];
  const mediaTypes = [own.mediaTypes, defaults.mediaTypes, MEDIA_TYPES].find((types) => types.length > 0)!;
  return {
    path,
    ...ends({ type, source, target }, fields, world),
    texts: { source, target, type },
    tags: [...tagSets, ...tags === undefined ? [] : [tags]],
    repositories: repositories ?? {},
    platforms,
    mediaTypes,
    referrers: read("referrers") ?? false,
    referrerFilters: read("referrerFilters") ?? [],
    digestTags: read("digestTags") ?? false,
    fastCheck: read("fastCheck") ?? false,
    forceRecursive: read("forceRecursive") ?? false,
    includeExternal: read("includeExternal") ?? false,
    ...(backup !== undefined && { backup }),
    ...(min !== undefined && { rateFloor: { min, retryMs } }),
    ...(schedule !== undefined && { schedule }),
  };
}

function treeOf(node: Node, key: string): Node | undefined {
  return (node as { readonly [key: string]: Node })[key];
}

/** Returns the source and the target of an entry by its type. */
function ends(
  { type, source, target }: { type: string; source: string; target: string },
  fields: Fields,
  names: NameOptions,
): { source: CopyRoot; target: CopyRoot; images?: readonly SyncImage[] } {
  for (const [key, text] of [["source", source], ["target", target]]) {
    if (text.includes("://")) {
      throw new UsageError(`${fields.at(key)} is ${text}, which is not in a registry`, {
        hint: "gcrane copy writes layouts and reads them",
      });
    }
  }
  const of = <T>(key: string, work: () => T) => at(fields.at(key), work);
  switch (type) {
    case "registry":
      return {
        source: of("source", () => parseRegistry(source, names)),
        target: of("target", () => parseRoot(target, names)),
      };
    case "repository":
      return {
        source: of("source", () => parseRepository(source, names)),
        target: of("target", () => parseRepository(target, names)),
      };
    case "image": {
      const [from, to] = [
        of("source", () => parseReference(source, names)),
        of("target", () => parseReference(target, names)),
      ];
      if (to.kind === "digest") {
        throw new UsageError(`${fields.at("target")} is a digest, which can't be set`, { hint: "name a tag" });
      }
      return { source: from.repository, target: to.repository, images: [{ from: from.identifier, to: to.identifier }] };
    }
    default:
      throw new UsageError(`${fields.at("type")} is ${JSON.stringify(type)}`, {
        hint: "write registry, repository or image",
      });
  }
}
