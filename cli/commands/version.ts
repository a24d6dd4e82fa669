import { type Command, command as declare } from "../command.ts";
import { version } from "../version.ts";

/** `gcrane version` */
export const command: Command = declare({
  examples: [{ text: "Print the version", command: "gcrane version" }],
  run: ({ stdout }) => stdout.print(version),
});
