import { VERSION } from "../../src/version.ts";
import { type Command, command as declare } from "../command.ts";

/** `gcrane version` */
export const command: Command = declare({
  examples: [{ text: "Print the version", command: "gcrane version" }],
  run: ({ stdout }) => stdout.print(VERSION),
});
