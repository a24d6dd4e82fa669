import type { ImageSource } from "../src/source/mod.ts";
import { parseTag } from "../src/name/mod.ts";
import type { Context } from "./command.ts";
import { engineOf } from "./local_source.ts";
import { remoteOptions } from "./remote_options.ts";

/**
 * Loads an image into the Docker Engine of the environment; of an index the one for --platform, linux/amd64 by default.
 */
export async function giveToEngine(source: ImageSource, name: string, context: Context): Promise<void> {
  parseTag(name); // fails before anything is read
  const options = remoteOptions(context);
  const { openImage } = await import("../src/source/mod.ts");
  const { writeToDaemon } = await import("../src/daemon/mod.ts");
  const image = await openImage(source, options);
  const { signal, onProgress } = context;
  await writeToDaemon(image, name, { engine: await engineOf(context), signal, onProgress });
}
