import { LockError } from "../../errors.ts";
import type { Lock } from "../locked_package.ts";
import {
  checkedName,
  compareTexts,
  type Fields,
  objectOf,
  platformFields,
  rangesOf,
  textOf,
  textsOf,
} from "./fields.ts";
import { type Edge, lockOf, type Node } from "./graph.ts";
import type { Manifests } from "./manifests.ts";
import { parseLockObject } from "./parse_lock.ts";
import { storePlacement } from "./store_placement.ts";

/**
 * Reads deno.lock of Deno 2 (versions 4 and 5). Packages of npm lie in the store of Deno's `node_modules`. Those of JSR
 * have no folder here, as the name of it has the registry's host.
 *
 * @throws {LockError} if it is not such a file.
 */
export function readDenoLock(text: string, file: string, manifests: Manifests): Lock {
  const fields = parseLockObject(text, file);
  const version = String(fields.version);
  if (version !== "4" && version !== "5") {
    throw new LockError(`${file} has the version ${JSON.stringify(fields.version)}, and 4 and 5 are supported`, {
      hint: 'run "deno install" with Deno 2',
    });
  }
  const specifiers = rangesOf(fields, "specifiers");
  const [npm, jsr] = [objectOf(fields, "npm"), objectOf(fields, "jsr")];
  const keys = new Keys(specifiers, npm, jsr);
  const nodes = new Map<string, Node>();
  for (const key of Object.keys(npm)) {
    const entry = objectOf(npm, key);
    nodes.set(`npm:${key}`, npmNode(key, entry, keys, version, file));
  }
  for (const key of Object.keys(jsr)) {
    const entry = objectOf(jsr, key);
    const [name, version] = split(key);
    const { edges, missing } = edgesOf(textsOf(entry, "dependencies") ?? [], (each) => keys.find(each));
    const integrity = textOf(entry, "integrity");
    // A checksum over the list of the package's files.
    const hash = integrity && /^[0-9a-f]{64}$/.test(integrity) ? { integrity: hexIntegrity(integrity) } : {};
    nodes.set(`jsr:${key}`, {
      name: checkedName(name, file),
      version,
      from: "jsr",
      hasInstallScript: false,
      ...hash,
      edges,
      missing,
    });
  }
  const requested = new Map<string, ReadonlyMap<string, string>>();
  const workspace = objectOf(fields, "workspace");
  const members = objectOf(workspace, "members");
  for (const folder of ["", ...Object.keys(members)]) {
    const entry = folder === "" ? workspace : objectOf(members, folder);
    const manifest = manifests.get(folder) ?? {};
    const wanted = askedFor(entry, manifest);
    const { edges } = edgesOf([...wanted.keys()], (each) => keys.find(each), aliasesOf(manifest));
    const name = textOf(manifest, "name") ?? folder.slice(folder.lastIndexOf("/") + 1);
    nodes.set(`project ${folder}`, {
      name,
      version: textOf(manifest, "version") ?? "0.0.0",
      from: "workspace",
      folder,
      edges,
    });
    requested.set(folder, new Map([...wanted].filter(([each]) => keys.find(each)).map(([, range]) => range)));
  }
  const folders = storeFolders([...nodes].filter(([, { from }]) => from === "npm"));
  const lock = lockOf({ file, manager: "deno", nodes, requested }, (reached) => {
    const fromNpm = new Map([...reached].filter(([, { from }]) => from !== "jsr"));
    const placement = storePlacement(fromNpm, "node_modules/.deno", (key) => folders.get(key)!);
    return { ...placement, links: [...placement.links, ...linksForJsr(reached, placement)] };
  });
  const importsUrls = Object.keys(objectOf(fields, "remote")).length > 0;
  return { ...lock, ...version === "4" && { lacksPlatforms: true }, ...importsUrls && { importsUrls } };
}

/** Finds packages by the shortened forms in which others name them. */
class Keys {
  readonly #specifiers: ReadonlyMap<string, string>;
  /** The keys by kind and name. */
  readonly #byName = new Map<string, string[]>();

  constructor(specifiers: ReadonlyMap<string, string>, npm: Fields, jsr: Fields) {
    this.#specifiers = specifiers;
    for (const [kind, of] of [["npm", npm], ["jsr", jsr]] as const) {
      for (const key of Object.keys(of)) {
        const name = `${kind}:${split(key)[0]}`;
        this.#byName.set(name, [...this.#byName.get(name) ?? [], `${kind}:${key}`]);
      }
    }
  }

  /** Returns the key for `npm:a@RANGE`, `jsr:@a/b@RANGE`, or one of them without a range where there is one version. */
  find(specifier: string): string | undefined {
    const kind = specifier.slice(0, 4);
    const [name, range] = split(specifier.slice(4));
    const version = this.#specifiers.get(specifier);
    const exact = version === undefined ? undefined : `${kind}${name}@${version}`;
    const all = this.#byName.get(`${kind}${name}`) ?? [];
    if (exact !== undefined && all.includes(exact)) return exact;
    const written = `${kind}${name}@${range}`;
    if (all.includes(written)) return written;
    return all.length === 1 ? all[0] : undefined;
  }
}

function npmNode(key: string, entry: Fields, keys: Keys, lockVersion: string, file: string): Node {
  const [name, version] = split(key);
  // Dependencies of version 4 include those that are optional, so none of them counts as required.
  const required = edgesOf(
    npmSpecifiers(entry, "dependencies"),
    (each) => keys.find(each),
    new Map(),
    lockVersion === "4",
  );
  const optional = edgesOf(npmSpecifiers(entry, "optionalDependencies"), (each) => keys.find(each), new Map(), true);
  const [integrity, resolved] = [textOf(entry, "integrity"), textOf(entry, "tarball")];
  return {
    name: checkedName(name, file),
    // Peers follow the version.
    version: version.replace(/_.*$/, ""),
    from: "npm",
    ...(integrity && { integrity }),
    ...(resolved && { resolved }),
    ...platformFields(entry),
    ...(lockVersion === "5" && { hasInstallScript: entry.scripts === true }),
    edges: [...required.edges, ...optional.edges],
    missing: required.missing,
  };
}

function npmSpecifiers(entry: Fields, name: string): string[] {
  return (textsOf(entry, name) ?? []).map((each) => `npm:${each}`);
}

function edgesOf(
  specifiers: readonly string[],
  find: (specifier: string) => string | undefined,
  aliases: ReadonlyMap<string, string> = new Map(),
  optional = false,
): { edges: Edge[]; missing: string[] } {
  const edges: Edge[] = [];
  const missing: string[] = [];
  for (const specifier of specifiers) {
    // `npm:as@npm:name@version` is an alias.
    const [, alias, aliased] = /^npm:((?:@[^/]+\/)?[^@]+)@(npm:.+)$/.exec(specifier) ?? [];
    const to = find(aliased ?? specifier);
    const name = split((aliased ?? specifier).slice(4))[0];
    if (to !== undefined) edges.push({ as: alias ?? aliases.get(specifier) ?? name, to, optional });
    else if (!optional) missing.push(name);
  }
  return { edges, missing };
}

/**
 * Returns what a project asks for, as names and ranges by specifiers: dependencies of deno.json, and those of
 * package.json that are not for development.
 */
function askedFor(entry: Fields, manifest: Fields): ReadonlyMap<string, [name: string, range: string]> {
  const development = new Set(rangesOf(manifest, "devDependencies").keys());
  const wanted = new Set(
    [...rangesOf(manifest, "dependencies"), ...rangesOf(manifest, "optionalDependencies")].map(([name]) => name),
  );
  const own = textsOf(entry, "dependencies") ?? [];
  const aliases = aliasesOf(manifest);
  const ofPackageJson = (textsOf(objectOf(entry, "packageJson"), "dependencies") ?? []).filter((specifier) => {
    const name = aliases.get(specifier) ?? split(specifier.slice(4))[0];
    return wanted.has(name) || !development.has(name);
  });
  return new Map([...own, ...ofPackageJson].map((specifier) => {
    const [name, range] = split(specifier.slice(4));
    return [specifier, [aliases.get(specifier) ?? name, range]];
  }));
}

/** Returns the names that a package.json gives packages with other names, by their specifiers. */
function aliasesOf(manifest: Fields): ReadonlyMap<string, string> {
  const ranges = [...rangesOf(manifest, "dependencies"), ...rangesOf(manifest, "optionalDependencies")];
  return new Map(ranges.filter(([, range]) => range.startsWith("npm:")).map(([name, range]) => [range, name]));
}

/** Splits `name@version`; the version is empty if there is none. */
function split(id: string): [name: string, version: string] {
  const at = id.indexOf("@", 1);
  return at < 0 ? [id, ""] : [id.slice(0, at), id.slice(at + 1)];
}

function hexIntegrity(hex: string): string {
  const bytes = hex.match(/../g)!.map((pair) => String.fromCharCode(parseInt(pair, 16)));
  return `sha256-${btoa(bytes.join(""))}`;
}

/** Returns the names of folders in the store; packages that differ in their peers alone are numbered. */
function storeFolders(nodes: readonly (readonly [string, Node])[]): ReadonlyMap<string, string> {
  const counts = new Map<string, number>();
  return new Map(
    nodes.toSorted(([a], [b]) => compareTexts(a, b)).map(([key, { name, version }]) => {
      const folder = `${name.replaceAll("/", "+")}@${version}`;
      const count = counts.get(folder) ?? 0;
      counts.set(folder, count + 1);
      return [key, count === 0 ? folder : `${folder}_${count}`];
    }),
  );
}

/** Returns links at the root for what packages of JSR import from npm: Deno looks for it there. */
function linksForJsr(reached: ReadonlyMap<string, Node>, { paths, links }: ReturnType<typeof storePlacement>) {
  const taken = new Set(links.map(({ path }) => path));
  return [...reached.values()].filter(({ from }) => from === "jsr").flatMap(({ edges }) =>
    edges.filter(({ to }) => reached.get(to)?.from === "npm").map(({ as, to }) => ({
      path: `node_modules/${as}`,
      target: paths.get(to)![0],
    }))
  ).filter(({ path }) => !taken.has(path) && taken.add(path));
}
