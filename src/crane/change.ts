import { HttpError } from "../errors.ts";
import type { Reference } from "../name/mod.ts";
import { type CraneOptions, pusherOf, referenceOf } from "./options.ts";

/** Lets another tag of the same repository point at what a reference names. Nothing is copied. */
export async function tag(reference: Reference | string, newTag: string, options: CraneOptions = {}): Promise<void> {
  await pusherOf(options).pusher.tag(referenceOf(reference, options), newTag, options);
}

/** Deletes what a reference names. */
export async function remove(reference: Reference | string, options: CraneOptions = {}): Promise<void> {
  const parsed = referenceOf(reference, options);
  try {
    await pusherOf(options).pusher.delete(parsed, options);
  } catch (error) {
    if (parsed.kind === "tag" && error instanceof HttpError && [400, 405].includes(error.status)) {
      throw new HttpError(error.message, {
        ...error,
        hint: `some registries delete by digest only: gcrane delete $(gcrane digest --full-ref ${reference})`,
        cause: error,
      });
    }
    throw error;
  }
}
