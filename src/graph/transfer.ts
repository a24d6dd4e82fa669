import { LimitError } from "../errors.ts";
import {
  checkView,
  type Content,
  knownDigest,
  type Layer,
  type ProgressListener,
  ProgressReporter,
} from "../image/mod.ts";
import { type AbortOptions, mapConcurrent } from "../io/mod.ts";
import { type Descriptor, type Hash, hashHexDigits, isConfig, isLayer } from "../spec/mod.ts";
import { blobNode } from "./blob_node.ts";
import { inventory } from "./inventory.ts";
import type { AnyManifest, BlobNode, ContentSink, ManifestNode, Node, PutOptions, Root } from "./sink.ts";
import { TransferState } from "./state.ts";

/** How a node ended up in the sink: it was written, mounted, or had been there. */
export type Outcome = "done" | "mounted" | "skipped";

/** Options of {@linkcode transfer}. */
export interface TransferOptions extends AbortOptions {
  /**
   * What this transfer shares with others.
   * @default a new state
   */
  state?: TransferState;
  /**
   * How many requests and files are worked on at the same time, where no state is given.
   * @default 4
   */
  jobs?: number;
  /**
   * Whether manifests below a manifest that the sink holds are visited all the same; their blobs are not.
   * @default "missing"
   */
  descend?: "missing" | "always";
  /**
   * The names that a manifest below a root gets, by its digest.
   * @default none
   */
  namesOf?: (digest: Hash) => readonly string[];
  /**
   * Wraps the content of each blob that is sent: for a limit on the bytes per second. The wrapped content has no place.
   * @default the content as it is
   */
  content?: (content: Content) => Content;
  /**
   * Is called before a manifest is looked at. `skip` leaves out the manifest and all below it.
   * @default nothing is left out
   */
  before?: (view: AnyManifest) => "skip" | void | Promise<"skip" | void>;
  /**
   * Is called when a blob or a manifest is in the sink, and awaited before a manifest that names it is written. What
   * several manifests share is reported once.
   * @default nothing is done
   */
  after?: (node: Node, outcome: Outcome) => void | Promise<void>;
  /**
   * Is called with how far each blob is.
   * @default nothing is reported
   */
  onProgress?: ProgressListener;
}

/** How deep indexes in indexes are followed; real ones have two levels. */
const MAX_DEPTH = 32;

/**
 * Writes manifests and all that they lead to into a sink. What the sink holds is not read, what several manifests share
 * is written once, and a manifest is written when everything that it names is there. A layer whose digest is not known is
 * read once: as it is sent, where the sink can take it so, else into a temporary file.
 *
 * The first failure ends the transfer; it is thrown when all that was under way has ended.
 *
 * @throws {LimitError} when indexes are nested more than 32 deep.
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

  /** Writes an archive: its files are all known before the first is written, and are begun in order. */
  async archive(roots: readonly Root[], signal: AbortSignal | undefined): Promise<void> {
    await using found = await inventory(roots, this.#state, { signal, maxDepth: MAX_DEPTH });
    for (const node of found.nodes) if (node.kind === "blob") this.#reporter(node).announce();
    await this.#sink.plan!(found.nodes, { signal });
    await mapConcurrent(found.nodes, { concurrency: this.#state.jobs, signal }, async (node, signal) => {
      if (node.kind === "blob") {
        await this.#reported(
          node,
          (reporter) => this.#sink.putBlob(node, { signal, ...this.#counting(reporter) }),
        );
      } else await this.#sink.putManifest(node, { signal, there: false });
      await this.#options.after?.(node, "done");
    });
  }

  async #manifest(view: AnyManifest, given: readonly string[] | undefined, at: Position): Promise<void> {
    if (at.depth > MAX_DEPTH) throw new LimitError(`indexes are nested more than ${MAX_DEPTH} deep`);
    if (await this.#options.before?.(view) === "skip") return;
    const digest = await knownDigest(view, { signal: at.signal });
    const names = given ?? (digest && this.#options.namesOf?.(digest)) ?? [];
    // Names may lead elsewhere by the next time, so only what goes without is remembered.
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
      // Another call may write it under other names at the same time.
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

  /** Writes all that a manifest names. */
  async #below(view: AnyManifest, at: Position): Promise<void> {
    const { signal } = at;
    switch (view.kind) {
      case "manifest":
        return await this.#blobs(await view.blobs({ signal }), signal);
      case "index":
        // Not its children: for what the index says of them, layers would be compressed now and again when sent.
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
        // The config holds diff ids that are learnt as the layers are read.
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

  /** Tells of all that is to come, so that a total is known from the start. */
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

  /** Writes a blob that has a digest: not where the sink holds it, and from a repository of its registry where it can. */
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
    const content = this.#options.content?.(node.content) ?? node.content;
    const options = { signal, ...this.#counting(reporter) };
    return await this.#state.run(() => this.#sink.putBlob({ ...node, content }, options), { signal });
  }

  /** Without a listener nobody counts, and a sink need not look at the bytes. */
  #counting(reporter: ProgressReporter): Pick<PutOptions, "onBytes"> {
    return this.#options.onProgress ? { onBytes: (count) => reporter.advance(count) } : {};
  }

  /** Reports how a blob ends. */
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

  /** Works on items side by side. What bounds requests is the state's slots; this bounds what waits for them. */
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

/** Where in the graph a manifest stands. */
interface Position {
  readonly signal: AbortSignal;
  readonly depth: number;
}

const SILENT = new ProgressReporter(undefined, { id: "", label: "", kind: "write" });
