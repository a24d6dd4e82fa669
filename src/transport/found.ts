import { HttpError } from "../errors.ts";

/** What was asked for, or `undefined` where the registry answers 404. */
export async function findOrUndefined<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof HttpError && error.status === 404) return undefined;
    throw error;
  }
}
