import type { Program } from "./command.ts";
import { globalFlags } from "./global_flags.ts";

/**
 * The commands of gcrane. Nothing of a command is loaded before it runs: its help and completion load it too.
 * The imports are literals so that bundlers see them; Deno defers them with `lazy-dynamic-imports`.
 */
export const gcrane: Program = {
  name: "gcrane",
  summary: "Work with container images where they are: in registries, tarballs and OCI layouts",
  flags: globalFlags,
  examples: [
    { text: "Look at what a repository holds", command: "gcrane ls registry.example.com/app" },
    {
      text: "Copy an image to another registry, its digest unchanged",
      command: "gcrane copy registry.example.com/app:v1 mirror.example.com/app:v1",
    },
  ],
  entries: [
    {
      name: "completion",
      summary: "Print a completion script for a shell",
      load: () => import("./commands/completion.ts"),
    },
    { name: "help", summary: "Show the help of a command", load: () => import("./commands/help.ts") },
    { name: "version", summary: "Print the version", load: () => import("./commands/version.ts") },
  ],
};
