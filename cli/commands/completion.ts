import { type Command, command as declare } from "../command.ts";
import { completionNodes } from "../completion/nodes.ts";

/** `gcrane completion` */
export const command: Command = declare({
  description: `The script completes commands, flags and known values of flags.

To load it in every new shell, write it to the shell's directory for such scripts: ~/.local/share/bash-completion/completions/gcrane for bash, a file _gcrane in a directory of $fpath for zsh, ~/.config/fish/completions/gcrane.fish for fish. For PowerShell, add the line "gcrane completion powershell | Out-String | Invoke-Expression" to the file $PROFILE.`,
  args: { shell: { help: "bash, zsh, fish or powershell", choices: ["bash", "zsh", "fish", "powershell"] } },
  examples: [
    { text: "Enable completion in this bash", command: "source <(gcrane completion bash)" },
    {
      text: "Enable completion in every fish",
      command: "gcrane completion fish > ~/.config/fish/completions/gcrane.fish",
    },
  ],
  async run({ args, stdout, program }) {
    const write = await writers[args.shell as keyof typeof writers]();
    await stdout.write(write(program.name, await completionNodes(program)));
  },
});

const writers = {
  bash: async () => (await import("../completion/bash.ts")).bashCompletion,
  zsh: async () => (await import("../completion/zsh.ts")).zshCompletion,
  fish: async () => (await import("../completion/fish.ts")).fishCompletion,
  powershell: async () => (await import("../completion/powershell.ts")).powershellCompletion,
};
