import { type Command, command as declare } from "../command.ts";
import { ListedNames } from "../listed_names.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane catalog` */
export const command: Command = declare({
  description: "Some registries have no catalog, for example Docker Hub.",
  args: { registry: { help: "The registry's host" } },
  flags: { fullRef: { type: "boolean", help: "Write registry/repository instead of repository" } },
  examples: [{ text: "List all repositories", command: "gcrane catalog localhost:5000" }],
  async run(context) {
    const { args, flags, stdout, signal, warn } = context;
    const { parseRegistry } = await import("../../src/name/mod.ts");
    const { Puller } = await import("../../src/remote/mod.ts");
    const registry = parseRegistry(args.registry, { insecure: flags.insecure });
    const names = new ListedNames();
    for await (const repository of new Puller(remoteOptions(context)).catalog(registry, { signal })) {
      if (!names.allows(repository, (path) => registry.repository(path))) continue;
      await stdout.print(flags.fullRef ? `${registry}/${repository}` : repository);
    }
    names.report(`the catalog of ${registry}`, warn);
  },
});
