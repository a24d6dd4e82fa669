/** How each work ended, by its name: `done`, or its error. */
export type Outcomes = Readonly<Record<string, string>>;

/** How long one may take, in milliseconds, so that one that hangs is named. */
const LIMIT = 60_000;

/** Does works side by side, and returns how they ended. It needs the web platform alone. */
export async function outcomesOf(works: Readonly<Record<string, () => Promise<void>>>): Promise<Outcomes> {
  const ended = Object.entries(works).map(async ([name, work]) => [name, await ending(work)] as const);
  return Object.fromEntries(await Promise.all(ended));
}

async function ending(work: () => Promise<void>): Promise<string> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`did not end within ${LIMIT} ms`)), LIMIT);
  try {
    await Promise.race([work(), late]);
    return "done";
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } finally {
    clearTimeout(timer);
  }
}
