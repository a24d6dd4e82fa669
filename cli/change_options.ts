import { UsageError } from "../src/errors.ts";
import type { Context } from "./command.ts";
import { platformsOptions, type SomeImagesOptions } from "./remote_options.ts";

/** The options of a verb that makes something new. */
export interface ChangeCommandOptions extends SomeImagesOptions {
  /** What to push the result as. */
  tag?: string;
  /** Whether images for other platforms stay in an index. */
  keepOthers?: boolean;
}

/** Returns the options of a command that makes a new image or index. */
export function changeOptions(
  context: Context,
  { tag, keepOthers }: { tag: string | undefined; keepOthers?: boolean },
): ChangeCommandOptions {
  const options = platformsOptions(context);
  if (keepOthers && options.platforms === undefined) {
    throw new UsageError("--keep-others says nothing without --platform", { hint: "say which images to change" });
  }
  return { ...options, tag, keepOthers };
}
