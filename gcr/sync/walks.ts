import type { Repository } from "../../src/name/mod.ts";
import type { GoogleManifestInfo } from "../../src/remote/mod.ts";
import { type Hash, isHash } from "../../src/spec/mod.ts";
import type { CopyContext } from "../copy_context.ts";
import { listRepository } from "../list.ts";
import type { WalkedRepository } from "../walk.ts";
import type { SyncEntry } from "./sync_file.ts";

type Walk = AsyncGenerator<WalkedRepository, void, undefined>;

/** Yields the source of a run, without the repositories below it. */
export async function* oneRepository(run: CopyContext, select: (repository: Repository) => boolean): Walk {
  const repository = run.route.source as Repository;
  if (!select(repository)) return;
  try {
    const listing = await listRepository(repository, { puller: run.reader, signal: run.signal });
    yield { repository, listing: { ...listing, child: undefined } };
  } catch (error) {
    run.fail(repository.name, error);
  }
}

/** Yields the repository of an entry with the images that the entry names, each under its tag at the target. */
export async function* namedImages(run: CopyContext, { images = [], digestTags, referrers }: SyncEntry): Walk {
  const repository = run.route.source as Repository;
  const { reader, signal } = run;
  if (!run.wantsRepository(repository.path) || run.journal.isDone(repository.path)) return;
  let partial = false;
  const manifest: Record<Hash, GoogleManifestInfo & { tag: string[] }> = {};
  for (const { from, to } of images) {
    const reference = isHash(from) ? repository.digest(from) : repository.tag(from);
    try {
      const { digest, mediaType } = await reader.head(reference, { signal });
      const found = manifest[digest] ??= { mediaType, tag: [] };
      if (to !== undefined) found.tag.push(to);
    } catch (error) {
      partial = true;
      run.fail(reference.name, error);
    }
  }
  const tags = Object.values(manifest).flatMap(({ tag }) => tag);
  try {
    // Tags with the digest of an image are found in the list alone.
    const others = digestTags || referrers ? (await listRepository(repository, { puller: reader, signal })).tags : [];
    const listing = { name: repository.path, tags: [...new Set([...tags, ...others])], manifest };
    yield { repository, listing, partial };
  } catch (error) {
    run.fail(repository.name, error);
  }
}
