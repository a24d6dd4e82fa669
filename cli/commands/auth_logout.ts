import { type Command, command as declare } from "../command.ts";
import { helperOf } from "../keychains.ts";

/** `gcrane auth logout` */
export const command: Command = declare({
  args: { registry: { help: "The registry's host" } },
  examples: [{ text: "Remove a password", command: "gcrane auth logout registry.example.com" }],
  async run(context) {
    const { args, environment, note, signal } = context;
    const { registryArgument } = await import("../auth_input.ts");
    const { eraseCredentials } = await import("../../src/authn/mod.ts");
    const registry = registryArgument(args.registry);
    const erased = await eraseCredentials(registry.name, { environment, helper: helperOf(context), signal });
    note(erased === undefined ? `not signed in to ${registry}` : `signed out of ${registry}`);
  },
});
