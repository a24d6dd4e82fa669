import { UsageError } from "../src/errors.ts";
import { mapConcurrent } from "../src/io/mod.ts";
import type { Context } from "./command.ts";
import { summary } from "./failure.ts";
import { platformsOptions, type SomeImagesOptions } from "./remote_options.ts";

/** The flag of commands that can push a result under the name of its original. */
export const inPlaceFlag = {
  inPlace: {
    type: "boolean",
    help: "Push each result under the name of its original, which then points at the result",
  },
} as const;

/** The part of those commands' help on several images. */
export const SEVERAL_HELP =
  "Changes each of several images and prints one line for each, in order. A failure is reported, the other images are still changed, and the exit code is 1.";

/** The number of images that are changed at the same time. */
const CONCURRENCY = 4;

/** Changes one image and returns the text to print. */
export type ChangeOne = (image: string, tag: string | undefined) => Promise<string>;

/** Options of {@linkcode changeEach}. */
export interface ChangeEachOptions {
  /** The context of the command. */
  readonly context: Pick<Context, "stdout" | "note" | "signal" | "asCrane">;
  /** Whether each result gets the name of its original. */
  readonly inPlace: boolean;
  /** The name of a single result. */
  readonly tag: string | undefined;
  /**
   * The repository of results without a name.
   *
   * @default that of each original
   */
  readonly repository?: string;
}

/** Changes images concurrently, and prints the results in the order of the images. @returns the exit code */
export async function changeEach(
  images: readonly string[],
  change: ChangeOne,
  { context, inPlace, tag, repository }: ChangeEachOptions,
): Promise<number> {
  const { stdout, note, signal, asCrane } = context;
  if (inPlace && tag !== undefined) {
    throw new UsageError("-t and --in-place both name the result", { hint: "leave out one" });
  }
  if (images.length > 1 && tag !== undefined) {
    throw new UsageError("-t names one result, not several", { hint: "leave it out, or use --in-place" });
  }
  const own = await Promise.all(images.map(ownName));
  const without = inPlace ? own.indexOf(undefined) : -1;
  if (without >= 0) {
    throw new UsageError(`${images[without]} has no tag in a registry for its result`, {
      hint: "leave out --in-place",
    });
  }
  const moves = inPlace || (asCrane && tag === undefined && repository === undefined);
  const tags = own.map((name) => moves ? name : tag);
  const noteUnmoved = () => {
    const unmoved = moves || tag !== undefined || repository !== undefined
      ? []
      : own.filter((name) => name !== undefined);
    if (unmoved.length === 0) return;
    const what = unmoved.length === 1
      ? `${unmoved[0]} still names the original`
      : `${unmoved.length} tags still name their originals`;
    note(`${what}: --in-place moves ${unmoved.length === 1 ? "it" : "them"} to the result`);
  };
  if (images.length === 1) {
    await stdout.print(await change(images[0], tags[0]));
    noteUnmoved();
    return 0;
  }
  const outcomes = images.map(() => Promise.withResolvers<{ pushed: string } | { error: unknown }>());
  const work = mapConcurrent(images.entries(), { concurrency: CONCURRENCY, signal }, async ([index, image]) => {
    const outcome = change(image, tags[index]).then((pushed) => ({ pushed }), (error: unknown) => ({ error }));
    outcomes[index].resolve(await outcome);
  });
  // Avoids an unhandled rejection; the failure is reported in the image's turn.
  work.catch(() => {});
  let failed = 0;
  for (const [index, { promise }] of outcomes.entries()) {
    const outcome = await Promise.race([promise, work.then(() => promise)]);
    signal.throwIfAborted();
    if ("pushed" in outcome) {
      await stdout.print(outcome.pushed);
    } else {
      failed++;
      note(`Error: ${images[index]}: ${summary(outcome.error)}`);
    }
  }
  await work;
  noteUnmoved();
  return failed === 0 ? 0 : 1;
}

/** Returns the name of an image by tag in a registry, which its result can take; `undefined` for any other. */
async function ownName(image: string): Promise<string | undefined> {
  const { parseReference } = await import("../src/name/mod.ts");
  const { parseSource } = await import("../src/source/mod.ts");
  const named = parseSource(image);
  return named.kind === "reference" && parseReference(named.text).kind === "tag" ? named.text : undefined;
}

/** Options of a command that creates a new image or index. */
export interface ChangeCommandOptions extends SomeImagesOptions {
  /** The reference of the result. */
  tag?: string;
  /** Whether to keep the images of an index for other platforms. */
  keepOthers?: boolean;
}

/** Returns the options of a command that creates a new image or index. */
export function changeOptions(
  context: Context,
  { tag, keepOthers }: { tag: string | undefined; keepOthers?: boolean },
): ChangeCommandOptions {
  const options = platformsOptions(context);
  if (keepOthers && options.platforms === undefined) {
    throw new UsageError("--keep-others requires --platform", { hint: "name the platforms of the images to change" });
  }
  return { ...options, tag, keepOthers };
}
