import { UsageError } from "../src/errors.ts";
import type { Context } from "./command.ts";
import { platformsOptions, type SomeImagesOptions } from "./remote_options.ts";

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
    throw new UsageError("--keep-others says nothing without --platform", { hint: "say which images to change" });
  }
  return { ...options, tag, keepOthers };
}
