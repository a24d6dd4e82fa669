import type { Content } from "../image/mod.ts";
import type { RateLimit } from "../io/mod.ts";
import { pullStream } from "../runtime/mod.ts";

/**
 * Returns the same content with each chunk delayed by a rate limit. It has no `place`, since each chunk must pass
 * through JavaScript.
 */
export function throttled(content: Content, limit: RateLimit): Content {
  return {
    get identity() {
      return content.identity;
    },
    once: content.once,
    origins: content.origins,
    async open(options = {}) {
      const { signal } = options;
      const reader = (await content.open(options)).getReader();
      return pullStream({
        async read() {
          const { value } = await reader.read();
          if (value) await limit.pass(value.length, { signal });
          return value;
        },
        cancel: (reason) => reader.cancel(reason),
      });
    },
  };
}
