import { type Command, command as declare } from "../command.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane catalog` */
export const command: Command = declare({
  description: "Not every registry tells: Docker Hub, for one, does not.",
  args: { registry: { help: "The registry's host" } },
  flags: { fullRef: { type: "boolean", help: "Write registry/repository instead of repository" } },
  examples: [{ text: "See which repositories there are", command: "gcrane catalog localhost:5000" }],
  async run(context) {
    const { args, flags, stdout, signal } = context;
    const { parseRegistry } = await import("../../src/name/mod.ts");
    const { Puller } = await import("../../src/remote/mod.ts");
    const registry = parseRegistry(args.registry, { insecure: flags.insecure });
    for await (const repository of new Puller(remoteOptions(context)).catalog(registry, { signal })) {
      await stdout.print(flags.fullRef ? `${registry}/${repository}` : repository);
    }
  },
});
