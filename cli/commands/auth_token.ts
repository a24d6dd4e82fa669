import { AuthError } from "../../src/errors.ts";
import { type Command, command as declare } from "../command.ts";
import { remoteOptions } from "../remote_options.ts";

/** `gcrane auth token` */
export const command: Command = declare({
  description: "Exchanges the credentials on this machine for a token of the registry, and prints it. It is a secret.",
  args: { repository: { valueName: "REPO", help: "The repository that the token is for" } },
  flags: {
    header: { type: "boolean", short: "H", help: "Print a header for curl instead of JSON" },
    mount: {
      type: "strings",
      short: "m",
      valueName: "REPO",
      commas: true,
      help: "A further repository to mount blobs from",
    },
    push: { type: "boolean", help: "Request a token that allows a push" },
  },
  examples: [
    {
      text: "List tags with curl",
      command: 'curl -H "$(gcrane auth token -H ubuntu)" https://index.docker.io/v2/library/ubuntu/tags/list',
    },
  ],
  async run(context) {
    const { args, flags, stdout } = context;
    const { token } = await import("../../src/crane/mod.ts");
    const value = await token(args.repository, { ...remoteOptions(context), push: flags.push, mount: flags.mount });
    if (flags.header) {
      if (value === undefined) throw noneNeeded(args.repository);
      return await stdout.print(`Authorization: ${value}`);
    }
    if (!value?.startsWith("Bearer ")) throw noneNeeded(args.repository);
    await stdout.print(JSON.stringify({ token: value.slice("Bearer ".length) }));
  },
});

function noneNeeded(repository: string): AuthError {
  return new AuthError(`the registry of ${repository} issues no tokens`, {
    hint: "it accepts requests without a token, or with a user and password: see gcrane auth get",
  });
}
