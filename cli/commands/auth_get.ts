import { type Command, command as declare } from "../command.ts";
import { readLine } from "../read_input.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane auth get` */
export const command: Command = declare({
  description:
    `Answers as a credential helper does, with JSON, from whatever keeps credentials on this machine. Without REGISTRY its host is read from standard input.`,
  args: { registry: { help: "The registry's host", optional: true } },
  examples: [{
    text: "See who pushes to a registry",
    command: "gcrane auth get registry.example.com | jq -r .Username",
  }],
  async run(context) {
    const { args, stdout, signal } = context;
    const { anonymous, authToHelper } = await import("../../src/authn/mod.ts");
    const { parseRegistry } = await import("../../src/name/mod.ts");
    const registry = parseRegistry(args.registry ?? await readLine(context));
    const authenticator = await remoteOptions(context).keychain!.resolve({ registry: registry.name }, { signal });
    if (authenticator === anonymous) {
      // The very words by which docker knows that a helper has nothing.
      await stdout.print("credentials not found in native keychain");
      return 1;
    }
    const { username, secret } = authToHelper(await authenticator.authorization({ signal }));
    await stdout.print(JSON.stringify({ Username: username, Secret: secret }));
  },
});
