import { LimitError } from "../errors.ts";
import { checkView, knownDigest, ProgressReporter } from "../image/internal.ts";
import type { Content, Layer, ProgressListener } from "../image/mod.ts";
import { type AbortOptions, mapConcurrent } from "../io/mod.ts";
import { type Descriptor, type Hash, hashHexDigits, isConfig, isLayer } from "../spec/mod.ts";
import { blobNode } from "./blob_node.ts";
import { inventory } from "./inventory.ts";
import type { AnyManifest, BlobNode, ContentSink, ManifestNode, Node, PutOptions, Root } from "./sink.ts";
import { TransferState } from "./state.ts";

/** The result of a node: it was written, mounted, or already in the sink. */
export type Outcome = "done" | "mounted" | "skipped";

/** Options of {@linkcode transfer}. */
export interface TransferOptions extends AbortOptions {
  /**
   * The state that this transfer shares with others.
   *
   * @default a new state
   */
  state?: TransferState;
  /**
   * The number of requests and files that are processed at the same time if no state is given.
   *
   * @default 4
   */
  jobs?: number;
  /**
   * Whether to visit manifests below a manifest that the sink holds. Their blobs are not visited.
   *
   * @default "missing"
   */
  descend?: "missing" | "always";
  /**
   * Returns the names of a manifest below a root, by its digest.
   *
   * @default none
   */
  namesOf?: (digest: Hash) => readonly string[];
  /**
   * Wraps the content of each blob that is sent, for example to limit the bytes per second. The wrapped content has no
   * `place`.
   *
   * @default the content as it is
   */
  content?: (content: Content) => Content;
  /**
   * Called before a manifest is read. `skip` leaves out the manifest and all content below it.
   *
   * @default nothing is left out
   */
  before?: (view: AnyManifest) => "skip" | void | Promise<"skip" | void>;
  /**
   * Called when a blob or a manifest is in the sink, and awaited before a manifest that names it is written. Content
   * that several manifests share is reported once.
   *
   * @default nothing is done
   */
  after?: (node: Node, outcome: Outcome) => void | Promise<void>;
  /**
   * Called with the progress of each blob.
   *
   * @default nothing is reported
   */
  onProgress?: ProgressListener;
  /**
   * Whether progress within a blob is reported. Without it, and without a listener, a sink may let the runtime send
   * files by itself.
   *
   * @default true
   */
  countsBytes?: boolean;
}

/** The deepest nesting of indexes that is followed; real ones have two levels. */
const MAX_DEPTH = 32;

/**
 * Writes manifests and all their content into a sink. Content that the sink holds is not read, shared content is
 * written once, and a manifest is written after all content that it names. A layer whose digest is not known is read
 * once: while it is sent, if the sink can store it so, else into a temporary file.
 *
 * The first failure ends the transfer; it is thrown once all pending work has ended.
 *
 * @throws {LimitError} if indexes are nested more than 32 deep.
 */
export async function transfer(
  roots: readonly Root[],
  sink: ContentSink,
  options: TransferOptions = {},
): Promise<void> {
  const { state = new TransferState({ jobs: options.jobs }), signal } = options;
  for (const { view } of roots) checkView(view, "image", "index", "manifest", "layer");
  const run = new Transfer(sink, { ...options, state });
  if (sink.plan) await run.archive(roots, signal);
  else await run.roots(roots, signal);
}

class Transfer {
  readonly #sink: ContentSink;
  readonly #options: TransferOptions;
  readonly #state: TransferState;

  constructor(sink: ContentSink, options: TransferOptions & { state: TransferState }) {
    this.#sink = sink;
    this.#options = options;
    this.#state = options.state;
  }

  async roots(roots: readonly Root[], signal: AbortSignal | undefined): Promise<void> {
    await this.#each(
      roots,
      signal,
      ({ view, names = [] }, signal) =>
        view.kind === "layer" ? this.#blobs([view], signal) : this.#manifest(view, names, { signal, depth: 0 }),
    );
  }

  /** Writes an archive, whose files are all known before the first is written, in order. */
  async archive(roots: readonly Root[], signal: AbortSignal | undefined): Promise<void> {
    const { before, after } = this.#options;
    const found = await inventory(roots, this.#state, { signal, before, maxDepth: MAX_DEPTH });
    try {
      const nodes = found.nodes.map((node) => node.kind === "blob" ? this.#wrapped(node) : node);
      for (const node of nodes) if (node.kind === "blob") this.#reporter(node).announce();
      await this.#sink.plan!(nodes, { signal });
      await mapConcurrent(nodes, { concurrency: this.#state.jobs, signal }, async (node, signal) => {
        if (node.kind === "blob") {
          await this.#reported(
            node,
            (reporter) => this.#sink.putBlob(node, { signal, ...this.#counting(reporter) }),
          );
        } else await this.#sink.putManifest(node, { signal, there: false });
        await after?.(node, "done");
      });
    } finally {
      await found.dispose();
    }
  }

  async #manifest(view: AnyManifest, given: readonly string[] | undefined, at: Position): Promise<void> {
    if (at.depth > MAX_DEPTH) throw new LimitError(`indexes are nested more than ${MAX_DEPTH} deep`);
    if (await this.#options.before?.(view) === "skip") return;
    const digest = await knownDigest(view, { signal: at.signal });
    const names = given ?? (digest && this.#options.namesOf?.(digest)) ?? [];
    // A name can point elsewhere by the next call, so only manifests without names are remembered.
    if (names.length > 0) return await this.#write(view, names, at);
    await this.#state.once(this.#sink, [digest ?? view], at, (signal) => this.#write(view, names, { ...at, signal }));
  }

  async #write(view: AnyManifest, names: readonly string[], at: Position): Promise<void> {
    const { signal } = at;
    const isKnown = await view.digestKnown({ signal });
    const found = isKnown ? await this.#find(await view.descriptor({ signal }), names, signal) : undefined;
    const there = found?.there ?? false;
    if (!there || !this.#sink.vouches) await this.#below(view, at);
    else if (this.#options.descend === "always") await this.#manifestsBelow(view, at);
    const descriptor = await view.descriptor({ signal });
    const isRoot = at.depth === 0;
    const node: ManifestNode = { kind: "manifest", view, descriptor, names: found?.unnamed ?? names, isRoot };
    const put = (there: boolean, signal: AbortSignal) =>
      this.#state.run(() => this.#sink.putManifest(node, { signal, there }), { signal });
    let isWritten = false;
    if (!there) {
      // Another call may write the manifest under other names at the same time.
      await this.#state.once(this.#sink, ["stored", descriptor.digest], { signal }, async (signal) => {
        await put(false, signal);
        isWritten = true;
      });
    }
    const isUnnamed = !isWritten && node.names.length > 0;
    if (isUnnamed) await put(true, signal);
    await this.#options.after?.(node, isWritten || isUnnamed ? "done" : "skipped");
  }

  async #find(descriptor: Descriptor, names: readonly string[], signal: AbortSignal) {
    return await this.#state.run(() => this.#sink.hasManifest(descriptor, { names, signal }), { signal });
  }

  /** Writes all content that a manifest names. */
  async #below(view: AnyManifest, at: Position): Promise<void> {
    const { signal } = at;
    switch (view.kind) {
      case "manifest":
        return await this.#blobs(await view.blobs({ signal }), signal);
      case "index":
        // Reads `members` and not `children`: a child's descriptor would need its layers compressed now, and again when
        // they are sent.
        return await this.#each(
          await view.members({ signal }),
          signal,
          (member, signal) =>
            member.kind === "layer"
              ? this.#blob(member, signal)
              : this.#manifest(member, undefined, { signal, depth: at.depth + 1 }),
        );
      case "image": {
        const layers = await view.layers({ signal });
        const isLate = layers.some(({ content }) => content.identity === undefined);
        if (!isLate) return await this.#blobs([await view.configLayer({ signal }), ...layers], signal);
        // The config contains diff ids that are known only once the layers are read.
        await this.#blobs(layers, signal);
        await this.#blob(await view.configLayer({ signal }), signal);
      }
    }
  }

  /** Visits the manifests below an index that the sink holds. */
  async #manifestsBelow(view: AnyManifest, { signal, depth }: Position): Promise<void> {
    if (view.kind !== "index") return;
    await this.#each(await view.members({ signal }), signal, async (member, signal) => {
      if (member.kind !== "layer") await this.#manifest(member, undefined, { signal, depth: depth + 1 });
    });
  }

  async #blobs(layers: readonly Layer[], signal: AbortSignal): Promise<void> {
    await this.#announce(layers, signal);
    await this.#each(layers, signal, (layer, signal) => this.#blob(layer, signal));
  }

  /** Reports all expected blobs, so that the total is known from the start. */
  async #announce(layers: readonly Layer[], signal: AbortSignal): Promise<void> {
    if (!this.#options.onProgress) return;
    for (const layer of layers) if (layer.content.identity) this.#reporter(await blobNode(layer, signal)).announce();
  }

  async #blob(layer: Layer, signal: AbortSignal | undefined): Promise<void> {
    const { content } = layer;
    await this.#state.once(this.#sink, ["blob", this.#state.keyOf(content)], { signal }, async (signal) => {
      const node = await blobNode(layer, signal);
      if (content.identity) return await this.#identified(node, signal);
      if (this.#sink.takesUnidentified(node)) {
        await this.#reported(node, (reporter) => this.#put(node, reporter, signal));
        return await this.#options.after?.(await blobNode(layer, signal), "done");
      }
      const spooled = await this.#state.run(() => this.#state.spool(content, { signal }), { signal });
      try {
        await this.#identified({ ...await blobNode(layer, signal), content: spooled.content }, signal);
      } finally {
        await spooled.dispose();
      }
    });
  }

  /**
   * Writes a blob that has a digest, unless the sink holds it; mounts it from a repository of the sink's registry if
   * possible.
   */
  async #identified(node: BlobNode, signal: AbortSignal): Promise<void> {
    const descriptor = node.descriptor!;
    const { digest } = descriptor;
    const outcome = await this.#reported(node, async (reporter) => {
      const isThere = await this.#state.run(() => this.#sink.hasBlob(descriptor, { signal }), { signal });
      if (isThere) {
        this.#state.note(this.#sink, digest, [], "skipped");
        return "skipped";
      }
      return await this.#state.oneInPool(this.#sink, digest, { signal }, async () => {
        const origins = this.#state.originsOf(this.#sink, digest, node.content);
        const outcome = await this.#put({ ...node, origins }, reporter, signal);
        this.#state.note(this.#sink, digest, origins, outcome);
        return outcome;
      });
    });
    await this.#options.after?.(node, outcome);
  }

  async #put(node: BlobNode, reporter: ProgressReporter, signal: AbortSignal): Promise<"done" | "mounted"> {
    const options = { signal, ...this.#counting(reporter) };
    return await this.#state.run(() => this.#sink.putBlob(this.#wrapped(node), options), { signal });
  }

  /** Applies the option `content` to the content of a node. */
  #wrapped(node: BlobNode): BlobNode {
    const { content } = this.#options;
    return content ? { ...node, content: content(node.content) } : node;
  }

  /** Counts bytes only for a listener, so that a sink need not read them otherwise. */
  #counting(reporter: ProgressReporter): Pick<PutOptions, "onBytes"> {
    const { onProgress, countsBytes = true } = this.#options;
    return onProgress && countsBytes ? { onBytes: (count) => reporter.advance(count) } : {};
  }

  /** Reports the result of a blob. */
  async #reported<Ended extends Outcome>(
    node: BlobNode,
    work: (reporter: ProgressReporter) => Promise<Ended>,
  ): Promise<Ended> {
    const reporter = this.#reporter(node);
    try {
      const outcome = await work(reporter);
      reporter.end(outcome);
      return outcome;
    } catch (error) {
      reporter.end("failed");
      throw error;
    }
  }

  #reporter({ descriptor, mediaType }: BlobNode): ProgressReporter {
    const { onProgress } = this.#options;
    if (!onProgress) return SILENT;
    const name = isLayer(mediaType) ? "layer" : isConfig(mediaType) ? "config" : "blob";
    return new ProgressReporter(onProgress, {
      id: descriptor?.digest ?? `stream ${this.#state.nextStream()}`,
      label: descriptor ? `${name} ${hashHexDigits(descriptor.digest).slice(0, 12)}` : name,
      kind: "write",
      total: descriptor?.size,
    });
  }

  /**
   * Runs work on items concurrently. The state's slots limit the requests; this limits the work that waits for a slot.
   */
  async #each<T>(
    items: readonly T[],
    signal: AbortSignal | undefined,
    work: (item: T, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    if (items.length === 0) return;
    const concurrency = Math.min(items.length, this.#state.jobs * 4);
    await mapConcurrent(items, { concurrency, signal }, work);
  }
}

/** The position of a manifest in the graph. */
interface Position {
  readonly signal: AbortSignal;
  readonly depth: number;
}

const SILENT = new ProgressReporter(undefined, { id: "", label: "", kind: "write" });
