import { LockError } from "../../errors.ts";
import type { LockedLink } from "../locked_package.ts";
import { compareTexts } from "./fields.ts";
import { type Edge, lookUp, type Node, type Placement } from "./graph.ts";

/** A folder that can have a `node_modules`: of a project or of a package that was placed. */
interface Place {
  path: string;
  key: string;
}

/** The deepest nesting. Packages that depend on other versions of one another in a circle have no end. */
const MOST_LEVELS = 50;
/** The most folders: versions that are in one another's way may need many copies. */
const MOST_FOLDERS = 20_000;

/**
 * Places packages as yarn's `node_modules` linker does: each as near to the root as Node.js still finds the right one
 * from everywhere. The result depends on the graph alone, not on the order of a file or on what is installed.
 *
 * @throws {LockError} if packages of different versions depend on one another in a circle.
 */
export function hoistedPlacement(reached: ReadonlyMap<string, Node>): Placement {
  const projects = [...reached].filter(([, { folder }]) => folder !== undefined)
    .map(([key, { folder }]): Place => ({ path: folder!, key })).sort((a, b) => compareTexts(a.path, b.path));
  const hoister = new Hoister(reached);
  for (const [key, { name, folder }] of reached) if (folder) hoister.occupy(`node_modules/${name}`, key);
  // What the projects ask for comes first, the root's before all, and then level by level.
  for (let level = projects; level.length > 0;) level = level.flatMap((place) => hoister.place(place));
  return hoister.placement();
}

class Hoister {
  readonly #nodes: ReadonlyMap<string, Node>;
  /** Which package lies in a folder. */
  readonly #taken = new Map<string, string>();
  /** Which package a look-up that passed an empty folder has found: another one there would be in its way. */
  readonly #passed = new Map<string, string>();

  readonly #projects: ReadonlySet<string>;

  constructor(nodes: ReadonlyMap<string, Node>) {
    this.#nodes = nodes;
    this.#projects = new Set([...nodes.values()].map(({ folder }) => folder).filter((folder) => folder !== undefined));
  }

  /** Puts a package into a folder. */
  occupy(path: string, key: string): void {
    this.#taken.set(path, key);
  }

  /** Places what a placed package depends on, and returns the places that are new. */
  place({ path, key }: Place): Place[] {
    const edges = this.#nodes.get(key)!.edges.filter(({ to }) => this.#nodes.has(to));
    // What others take from their surroundings has to lie before they do.
    const hasPeers = ({ to }: Edge) => (this.#nodes.get(to)!.peers ?? []).length > 0 ? 1 : 0;
    return edges
      .toSorted((a, b) => hasPeers(a) - hasPeers(b) || compareTexts(a.as, b.as))
      .map((edge) => this.#placeEdge(path, edge))
      .filter((place) => place !== undefined);
  }

  placement(): Placement {
    const paths = new Map<string, string[]>();
    const links: LockedLink[] = [];
    for (const [path, key] of this.#taken) {
      const { folder } = this.#nodes.get(key)!;
      if (folder === undefined) paths.set(key, [...paths.get(key) ?? [], path]);
      else links.push({ path, target: folder });
    }
    return { paths, links };
  }

  #placeEdge(from: string, { as, to }: Edge): Place | undefined {
    const peers = this.#peersFrom(from, to);
    const places = lookUp(from, as);
    const at = places.findIndex((place) => this.#taken.has(place));
    const found = at >= 0 ? this.#taken.get(places[at]) : undefined;
    // A package inside of itself takes its own peers, or there would be no end to it.
    if (found === to && (this.#seesPeers(places[at], peers) || from.startsWith(`${places[at]}/`))) {
      this.#pass(places.slice(0, at), to);
      return undefined;
    }
    // The folder nearest to the root that is free and in no other package's way; the first is always free.
    const free = places.slice(0, at < 0 ? undefined : at);
    const best = free.findLastIndex((place) =>
      (this.#passed.get(place) ?? to) === to && this.#seesPeers(place, peers) && this.#isReal(place)
    );
    const path = free[Math.max(best, 0)] ?? places[0];
    if (path.split("node_modules/").length > MOST_LEVELS) {
      throw tooMany(`packages depend on other versions of one another in a circle: ${as} is among them`);
    }
    if (this.#taken.size === MOST_FOLDERS) {
      throw tooMany(`the packages of the lock need more than ${MOST_FOLDERS} folders`);
    }
    this.#taken.set(path, to);
    this.#pass(free.slice(0, Math.max(best, 0)), to);
    const { folder } = this.#nodes.get(to)!;
    for (const [name, key] of peers) this.#passPeer(path, name, key);
    return folder === undefined ? { path, key: to } : undefined;
  }

  #pass(places: readonly string[], key: string): void {
    for (const place of places) this.#passed.set(place, key);
  }

  #passPeer(path: string, name: string, key: string): void {
    const places = lookUp(path, name);
    this.#pass(places.slice(0, places.findIndex((place) => this.#taken.get(place) === key)), key);
  }

  /** Returns what a package's peers are for its dependent: what that finds itself. */
  #peersFrom(from: string, key: string): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    for (const name of this.#nodes.get(key)!.peers ?? []) {
      const peer = this.#find(from, name);
      if (peer !== undefined) found.set(name, peer);
    }
    return found;
  }

  #seesPeers(path: string, peers: ReadonlyMap<string, string>): boolean {
    return [...peers].every(([name, key]) => this.#find(path, name) === key);
  }

  #find(from: string, name: string): string | undefined {
    const place = lookUp(from, name).find((each) => this.#taken.has(each));
    return place === undefined ? undefined : this.#taken.get(place);
  }

  /** Returns whether a folder is in the root, a project or a package, and not in a folder between them. */
  #isReal(place: string): boolean {
    const owner = place.slice(0, Math.max(place.lastIndexOf("node_modules/") - 1, 0));
    return this.#projects.has(owner) || this.#taken.has(owner);
  }
}

function tooMany(message: string): LockError {
  return new LockError(message, { hint: "make the lock anew, so that it has fewer versions of the same packages" });
}
