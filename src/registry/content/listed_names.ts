import type { AbortOptions } from "../../io/mod.ts";
import type { RecordStore, StoreListOptions } from "../stores/store.ts";

/** The number of names that are listed at once: as many as one answer of a bucket has. */
const PAGE = 1_000;

/** Lists the names directly under a path, after one if that is given, in pages, sorted; the last one may be empty. */
export async function* namePages(
  records: RecordStore,
  path: string,
  { after, ...options }: Omit<StoreListOptions, "limit"> = {},
): AsyncGenerator<readonly string[], void, undefined> {
  for (;;) {
    const page = await records.list(path, { after, limit: PAGE, ...options });
    yield page;
    if (page.length < PAGE) return;
    after = page.at(-1);
  }
}

/** Lists the names directly under a path one by one, sorted. */
export async function* eachListed(
  records: RecordStore,
  path: string,
  options: AbortOptions = {},
): AsyncGenerator<string, void, undefined> {
  for await (const page of namePages(records, path, options)) yield* page;
}
