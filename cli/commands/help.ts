import { UsageError } from "../../src/errors.ts";
import { type Command, command as declare } from "../command.ts";
import { helpText } from "../help.ts";
import { resolveCommand } from "../resolve.ts";

/** `gcrane help` */
export const command: Command = declare({
  description: "Shows the same page as --help after the command. Without a command, lists the commands.",
  args: { command: { help: "The command, of one or more words", optional: true, repeated: true } },
  examples: [
    { text: "Learn how to copy", command: "gcrane help copy" },
    { text: "Learn how to log in", command: "gcrane help auth login" },
  ],
  async run({ args, stdout, program, display }) {
    const resolved = resolveCommand(program, args.command);
    if (resolved.words.length > 0) {
      throw new UsageError(`${resolved.path.join(" ")} has no command ${JSON.stringify(resolved.words[0])}`);
    }
    await stdout.write(await helpText(program, resolved, display));
  },
});
