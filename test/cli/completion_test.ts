import { describe, it } from "node:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Peer, peerIt } from "../peers/mod.ts";
import { runLine } from "../make/command_line.ts";

const [bash, zsh, fish] = ["bash", "zsh", "fish"] as unknown as Peer[];

async function script(shell: string): Promise<string> {
  const { code, out, err } = await runLine(["completion", shell]);
  assertEquals([code, err], [0, ""]);
  return out;
}

/** A folder with a file, a file with a space in its name, and a folder. */
function inFolder<T>(run: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "gcrane_completion_"));
  try {
    writeFileSync(join(folder, "layer.tar"), "");
    writeFileSync(join(folder, "layer two.tar"), "");
    mkdirSync(join(folder, "layers"));
    return run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Each line to complete, and what is offered for its last word. */
const cases: [line: string, offered: string[]][] = [
  ["trial sh", ["sh", "show"]],
  ["trial l", ["lines"]],
  ["trial -v --insecure l", ["lines"]],
  ["trial --platform linux/amd64 l", ["lines"]],
  ["trial --platform ", []],
  ["trial --ins", ["--insecure"]],
  ["trial group ", ["one", "two", "zwei"]],
  ["trial group t", ["two"]],
  ["trial group two --p", ["--platform"]],
  ["trial show --al", ["--all-tags", "--allow-nondistributable-artifacts", "--allow-redirect"]],
  ["trial sh --all-", ["--all-tags"]],
  ["trial show --sec", []],
  ["trial show --format ", ["oci", "tarball"]],
  ["trial show a --format t", ["tarball"]],
  ["trial show l", []],
  ["trial show --new-layer layer", ["layer two.tar", "layer.tar", "layers"]],
  ["trial show -f layer.", ["layer.tar"]],
  ["trial show --cache l", ["layers"]],
  ["trial completion ", ["bash", "fish", "powershell", "zsh"]],
  ["trial completion z", ["zsh"]],
  ["trial completion zsh ", []],
  ["trial fail b", ["bug"]],
  ["trial echo ", ["again"]],
  ["trial echo again --all-t", ["--all-tags"]],
  ["trial echo --ins", ["--insecure"]],
];

/** As `cases`; zsh escapes what it offers, and takes what is typed for the beginnings of a word's parts. */
const zshCases: [line: string, offered: string[]][] = [
  ["trial sh", ["sh", "show"]],
  ["trial --platform linux/amd64 -v l", ["lines"]],
  ["trial group two --p", ["--platform"]],
  ["trial sh --no-cl", ["--no-clobber"]],
  ["trial show a --format t", ["tarball"]],
  ["trial show -f layer", ["layer.tar", "layer\\ two.tar", "layers"]],
  ["trial completion ", ["bash", "fish", "powershell", "zsh"]],
  ["trial echo ", ["again"]],
  ["trial echo again --all-t", ["--all-tags"]],
  ["trial echo --ins", ["--insecure"]],
  ["trial echo x --ins", ["--insecure"]],
];

/** Runs in a terminal: ^X prints what would be offered for the line so far. */
const ZSH_INNER = `
PS1= RPS1=
setopt no_beep
fpath=($PWD $fpath)
autoload -Uz compinit && compinit -u -D
compadd() {
  # With -O, -A or -D nothing is offered yet.
  if [[ " \${(j: :)@[1,(i)(-|--)]} " == *" -"[OAD]" "* ]]; then builtin compadd "$@"; return; fi
  local -a hits
  builtin compadd -O hits "$@"
  (( $#hits )) && print -rl -- "+"\${^hits}
  builtin compadd "$@"
}
offers() { print; print -r -- "> $BUFFER"; zle list-choices; print -r -- "<"; BUFFER= }
zle -N offers
bindkey '^X' offers
`;

/** Types each line into a zsh in a terminal. */
const ZSH_OUTER = `
zmodload zsh/zpty
zpty -b inner zsh -f -i
zpty -w inner "source ./inner.zsh"
for line in "$@"; do
  zpty -w -n inner "$line"$'\\x18'
  zpty -r -m inner text "*"$'\\n'"<"
  print -r -- "$text"
done
zpty -d inner
`;

describe("the script for bash", () => {
  peerIt("completes", [bash], async () => {
    const source = await script("bash");
    const complete = (words: string[], folder: string) => {
      const program = `set -u\n${source}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _trial\n` +
        `((\${#COMPREPLY[@]})) && printf '%s\\n' "\${COMPREPLY[@]}"\ntrue`;
      const text = execFileSync("bash", ["-c", program, "bash", ...words], { cwd: folder, encoding: "utf8" });
      return text.split("\n").filter((line) => line !== "").sort();
    };
    inFolder((folder) => {
      for (const [line, offered] of cases) assertEquals([line, complete(line.split(" "), folder)], [line, offered]);
      // bash takes an equals sign for a word of its own.
      for (const words of [["--format", "=", "o"], ["--format", "=", "oci", "--format", "=", "o"]]) {
        assertEquals(complete(["trial", "show", ...words], folder), ["oci"]);
      }
      assertEquals(complete(["trial", "show", "--format", "="], folder), ["oci", "tarball"]);
      assertEquals(complete(["trial", "--platform", "=", "x", "l"], folder), ["lines"]);
    });
  });

  peerIt("is registered by being sourced", [bash], async () => {
    const program = `${await script("bash")}\ncomplete -p trial`;
    assertEquals(execFileSync("bash", ["-c", program], { encoding: "utf8" }), "complete -F _trial trial\n");
  });
});

describe("the script for fish", () => {
  peerIt("completes", [fish], async () => {
    const source = await script("fish");
    inFolder((folder) => {
      writeFileSync(join(folder, "script"), source);
      const lines = cases.map(([line], at) => `echo "> ${at}"; complete -C "${line}"`).join("\n");
      const text = execFileSync("fish", ["--no-config", "-c", `source script; rm script\n${lines}`], {
        cwd: folder,
        encoding: "utf8",
      });
      const found = text.split(/^> /m).slice(1).map((block) => {
        const [at, ...offered] = block.trimEnd().split("\n");
        return [cases[Number(at)][0], offered.map((one) => one.split("\t")[0].replace(/\/$/, "")).sort()];
      });
      assertEquals(found, cases);
    });
  });

  it("describes what it offers", async () => {
    const text = await script("fish");
    assertStringIncludes(text, `-n '__trial_at \\'trial\\' 0 0' -a 'show' -d 'Show what was understood'`);
    assertStringIncludes(text, `-l format -r -f -a 'tarball oci' -d 'How it\\'s written [sic]: any'`);
  });
});

describe("the script for zsh", () => {
  peerIt("completes", [zsh], async () => {
    const source = await script("zsh");
    inFolder((folder) => {
      writeFileSync(join(folder, "_trial"), source);
      writeFileSync(join(folder, "inner.zsh"), ZSH_INNER);
      const args = ["-f", "-c", ZSH_OUTER, "zsh", ...zshCases.map(([line]) => line)];
      const text = execFileSync("zsh", args, { cwd: folder, encoding: "utf8" }).replaceAll("\r", "");
      const found = [...text.matchAll(/^> (.*)\n((?:\+.*\n)*)/gm)].map(([, line, offered]) => {
        const words = offered.split("\n").filter((word) => word !== "").map((word) => word.slice(1));
        return [line, [...new Set(words)].sort()];
      });
      assertEquals(found, zshCases);
    });
  }, { timeout: 60_000 });

  it("describes what it offers", async () => {
    const text = await script("zsh");
    assertStringIncludes(text, "#compdef trial\n");
    assertStringIncludes(text, "'show:Show what was understood'");
    assertStringIncludes(text, String.raw`'--format=[How it'\''s written \[sic\]\: any]:FORMAT:(tarball oci)'`);
    assertStringIncludes(text, "'(-j --jobs)'{-j+,--jobs=}'[How many at once]:N: '");
  });
});
