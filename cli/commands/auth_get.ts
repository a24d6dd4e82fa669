import { AuthError, UsageError } from "../../src/errors.ts";
import { type Command, command as declare, type Context } from "../command.ts";
import { readLine } from "../auth_input.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane auth get` */
export const command: Command = declare({
  description:
    `Prints the credentials for a registry as JSON, in the format of a credential helper. Uses every source of credentials on this machine. Without REGISTRY its host is read from standard input.`,
  args: { registry: { help: "The registry's host", optional: true } },
  examples: [
    {
      text: "See the user for a registry",
      command: "gcrane auth get registry.example.com | jq -r .Username",
    },
    {
      text: "Use only docker's config",
      command: "gcrane auth get --keychain docker registry.example.com",
    },
  ],
  async run(context) {
    const { args, stdout, signal } = context;
    const { anonymous } = await import("../../src/authn/mod.ts");
    const { authToHelper } = await import("../../src/authn/internal.ts");
    const { registryArgument } = await import("../auth_input.ts");
    const registry = registryArgument(args.registry ?? await hostFromStandardInput(context));
    const authenticator = await remoteOptions(context).keychain.resolve({ registry: registry.name }, { signal });
    if (authenticator === anonymous) {
      // The exact text by which docker recognises that a helper has no credentials.
      await stdout.print("credentials not found in native keychain");
      return 1;
    }
    const config = await authenticator.authorization({ signal });
    const { username, secret } = authToHelper(config);
    if (config.registryToken && !username && !secret) {
      throw new AuthError(`the credentials for ${registry} are a token, which this format can't contain`, {
        hint: "gcrane auth token prints it",
      });
    }
    await stdout.print(JSON.stringify({ Username: username, Secret: secret }));
  },
});

/** Reads the host as docker passes it to a credential helper. */
async function hostFromStandardInput(context: Pick<Context, "stdin" | "ask" | "signal">): Promise<string> {
  const host = context.ask() ? "" : (await readLine(context)).trim();
  if (host === "") throw new UsageError("no registry is given", { hint: "name one, or pipe its host in" });
  return host;
}
