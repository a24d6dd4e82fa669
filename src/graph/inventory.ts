import { LimitError } from "../errors.ts";
import type { Layer } from "../image/mod.ts";
import { type AbortOptions, mapConcurrent } from "../io/mod.ts";
import type { Hash } from "../spec/mod.ts";
import { blobNode } from "./blob_node.ts";
import type { AnyManifest, BlobNode, Node, Root } from "./sink.ts";
import type { TransferState } from "./state.ts";

/** Options of {@linkcode inventory}. */
export interface InventoryOptions extends AbortOptions {
  /** The deepest nesting of indexes that is followed. */
  readonly maxDepth: number;
  /** Called before a manifest is read; `skip` leaves out the manifest and all content below it. */
  readonly before?: (view: AnyManifest) => "skip" | void | Promise<"skip" | void>;
}

/** All nodes of a graph, in the order of an archive. Content that had no digest is in temporary files. */
export interface Inventory {
  /** Each image's config, layers and manifest; members before their index. Each digest occurs once. */
  readonly nodes: readonly Node[];
  /** Removes the temporary files. */
  dispose(): Promise<void>;
}

/** Collects all nodes below the roots. Reads a layer without a digest once, and keeps it in a temporary file. */
export async function inventory(
  roots: readonly Root[],
  state: TransferState,
  options: InventoryOptions,
): Promise<Inventory> {
  const walk = new Walk(state, options);
  try {
    for (const { view, names = [] } of roots) {
      if (view.kind === "layer") await walk.blobs([view]);
      else await walk.manifest(view, names, 0);
    }
  } catch (error) {
    await walk.dispose();
    throw error;
  }
  return { nodes: await walk.nodes(), dispose: () => walk.dispose() };
}

/** A manifest whose descriptor is known once all content below it is. */
interface FoundView {
  readonly view: AnyManifest;
  readonly names: string[];
  isRoot: boolean;
}

class Walk {
  readonly #state: TransferState;
  readonly #options: InventoryOptions;
  readonly #nodes: (BlobNode | FoundView)[] = [];
  readonly #blobs = new Set<Hash>();
  readonly #manifests = new Map<AnyManifest, FoundView>();
  readonly #disposals: (() => Promise<void>)[] = [];

  constructor(state: TransferState, options: InventoryOptions) {
    this.#state = state;
    this.#options = options;
  }

  async manifest(view: AnyManifest, names: readonly string[], depth: number): Promise<void> {
    const { signal, maxDepth, before } = this.#options;
    if (depth > maxDepth) throw new LimitError(`indexes are nested more than ${maxDepth} deep`);
    const known = this.#manifests.get(view);
    if (known) {
      known.names.push(...names.filter((name) => !known.names.includes(name)));
      known.isRoot ||= depth === 0;
      return;
    }
    if (await before?.(view) === "skip") return;
    const entry: FoundView = { view, names: [...names], isRoot: depth === 0 };
    this.#manifests.set(view, entry);
    if (view.kind === "manifest") {
      await this.blobs(await view.blobs({ signal }));
    } else if (view.kind === "image") {
      const layers = await this.#identified(await view.layers({ signal }));
      // The config contains the layers' diff ids, so it is read after them; the archive has it first.
      await this.blobs([await view.configLayer({ signal })]);
      this.#add(layers);
    } else {
      for (const member of await view.members({ signal })) {
        if (member.kind === "layer") await this.blobs([member]);
        else await this.manifest(member, [], depth + 1);
      }
    }
    this.#nodes.push(entry);
  }

  async blobs(layers: readonly Layer[]): Promise<void> {
    this.#add(await this.#identified(layers));
  }

  /** Returns the nodes, whose descriptors are known once all content is. */
  async nodes(): Promise<Node[]> {
    const { signal } = this.#options;
    const nodes: Node[] = [];
    for (const node of this.#nodes) {
      if ("kind" in node) nodes.push(node);
      else nodes.push({ kind: "manifest", ...node, descriptor: await node.view.descriptor({ signal }) });
    }
    return nodes;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#disposals.splice(0).map((dispose) => dispose()));
  }

  #add(nodes: readonly BlobNode[]): void {
    for (const node of nodes) {
      const { digest } = node.descriptor!;
      if (this.#blobs.has(digest)) continue;
      this.#blobs.add(digest);
      this.#nodes.push(node);
    }
  }

  async #identified(layers: readonly Layer[]): Promise<BlobNode[]> {
    const pool = { concurrency: this.#state.jobs, signal: this.#options.signal };
    return await mapConcurrent(layers, pool, async (layer, signal) => {
      if (layer.content.identity) return await blobNode(layer, signal);
      const spooled = await this.#state.run(() => this.#state.spool(layer.content, { signal }), { signal });
      this.#disposals.push(() => spooled.dispose());
      return { ...await blobNode(layer, signal), content: spooled.content };
    });
  }
}
