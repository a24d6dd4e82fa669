import type { AbortOptions } from "../io/mod.ts";
import type { ByteStream } from "../runtime/mod.ts";
import { type TarWriteEntry, writeTar } from "../tar/mod.ts";

/**
 * Writes a tar of entries that a generator reads from another source. It starts when the tar is read; its signal
 * is aborted when the tar is cancelled, since a pending generator does not see its return.
 */
export function tarOfEntries(
  generate: (signal: AbortSignal) => AsyncGenerator<TarWriteEntry, void, undefined>,
  options: AbortOptions = {},
): ByteStream {
  const stop = new AbortController();
  const entries = generate(options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal);
  return writeTar({
    [Symbol.asyncIterator]: () => ({
      next: () => entries.next(),
      return() {
        stop.abort();
        return entries.return();
      },
    }),
  }, options);
}
