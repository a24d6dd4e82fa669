import { LimitError } from "../errors.ts";
import { type ContentSink, type Root, transfer, type TransferOptions, TransferState } from "../graph/mod.ts";
import { Limits, mapConcurrent, Tally } from "../io/mod.ts";
import type { Repository } from "../name/mod.ts";
import { cosignTags, type Puller } from "../remote/mod.ts";
import type { Hash } from "../spec/mod.ts";
import { findOrUndefined } from "../transport/internal.ts";

/** Options of {@linkcode copyGraph}. */
export interface CopyGraphOptions extends TransferOptions {
  /**
   * The registry and repository of the referrers to copy too.
   *
   * @default no referrers are copied
   */
  referrers?: { readonly reader: Puller; readonly repository: Repository };
}

/** The longest chain of referrers that is followed. */
const MAX_DEPTH = 32;

/**
 * Copies manifests with all their content and with their referrers: signatures, SBOMs and attestations that the
 * registry lists or that cosign stored under tags of its own, and the referrers of those.
 *
 * @throws {LimitError} if a chain of referrers is longer than 32, or there are more than 100,000 referrers.
 */
export async function copyGraph(
  roots: readonly Root[],
  sink: ContentSink,
  options: CopyGraphOptions = {},
): Promise<void> {
  const { referrers, ...rest } = options;
  if (!referrers) return await transfer(roots, sink, rest);
  const state = options.state ?? new TransferState({ jobs: options.jobs });
  const seen = new Set<Hash>();
  const tally = new Tally(Limits.manifests, `the referrers in ${referrers.repository}`);
  let fresh: Hash[] = [];
  const after: TransferOptions["after"] = async (node, outcome) => {
    await options.after?.(node, outcome);
    if (node.kind !== "manifest" || seen.has(node.descriptor.digest)) return;
    seen.add(node.descriptor.digest);
    fresh.push(node.descriptor.digest);
  };
  for (let next = roots, depth = 0; next.length > 0; depth++) {
    if (depth > MAX_DEPTH) {
      throw new LimitError(`referrers of ${referrers.repository} form a chain of over ${MAX_DEPTH}`);
    }
    fresh = [];
    await transfer(next, sink, { ...rest, state, after, descend: "always" });
    const pool = { concurrency: state.jobs, signal: options.signal };
    const found = await mapConcurrent(
      fresh,
      pool,
      (digest, signal) => referrersOf(digest, { ...referrers, seen, tally, signal }),
    );
    next = found.flat();
  }
}

/** Returns the referrers of a manifest that have not been copied yet. */
async function referrersOf(
  digest: Hash,
  { reader, repository, seen, tally, signal }: NonNullable<CopyGraphOptions["referrers"]> & {
    readonly seen: ReadonlySet<Hash>;
    readonly tally: Tally;
    readonly signal: AbortSignal;
  },
): Promise<Root[]> {
  const index = await reader.referrers(repository.digest(digest), { signal });
  const roots: Root[] = [];
  for (const listed of (await index.manifest({ signal })).manifests) {
    if (seen.has(listed.digest)) continue;
    tally.add(1);
    roots.push({ view: (await reader.get(repository.digest(listed.digest), { signal })).anyView() });
  }
  for (const tag of cosignTags(digest)) {
    const stored = await findOrUndefined(() => reader.get(repository.tag(tag), { signal }));
    if (stored) roots.push({ view: stored.anyView(), names: [tag] });
  }
  return roots;
}
