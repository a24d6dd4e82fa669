import type { NamedView } from "../src/crane/mod.ts";
import type { Context } from "./command.ts";
import { daemonImage, daemonName, localSource, referenceText } from "./local_source.ts";
import { platformsOptions } from "./remote_options.ts";

/** Returns the source of a name to save: an image of an engine, or one with a name in a file, keeps its name. */
export async function pullSource(name: string, context: Context): Promise<string | NamedView> {
  const inEngine = daemonName(name);
  if (inEngine !== undefined) {
    const view = await daemonImage(inEngine, context);
    const { repoTags } = view.inspection;
    return { view, reference: repoTags.includes(inEngine) ? inEngine : repoTags[0] };
  }
  const local = await localSource(name, context);
  if (local === undefined) return referenceText(name);
  const { open } = await import("../src/source/mod.ts");
  const view = await open(local, platformsOptions(context));
  const tag = "path" in local ? local.tag : undefined;
  // A layout may name an image by a tag alone, which is not a valid name elsewhere.
  return { view, reference: tag?.includes(":") ? tag : undefined };
}
