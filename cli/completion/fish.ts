import type { CompletionFlag, CompletionNode, CompletionValue } from "./nodes.ts";

/** Returns a completion script for fish. */
export function fishCompletion(name: string, nodes: readonly CompletionNode[]): string {
  return `# fish completion for ${name}: put it into ~/.config/fish/completions/${name}.fish

# The command on the line so far: its names, and how many arguments follow it.
function __${name}_line
    set -l words (commandline -opc)
    set -l path ${name}
    set -l position 0
    set -l skip 0
    for word in $words[2..]
        if test $skip = 1
            set skip 0
            continue
        end
        if string match -q -- '-?*' $word
            contains -- "$path $word" $__${name}_valued; and set skip 1
            continue
        end
        switch "$path $word"
${nodes.flatMap(stepCases).join("\n")}
            case '*'
                set position (math $position + 1)
        end
    end
    echo $path
    echo $position
end

function __${name}_at
    set -l line (__${name}_line)
    test "$line[1]" = "$argv[1]"; or return 1
    test (count $argv) = 1; or test "$line[2]" -ge "$argv[2]" -a "$line[2]" -le "$argv[3]"
end

set -g __${name}_valued ${nodes.flatMap(valuedFlags).map(quoted).join(" ")}

complete -c ${name} -f
${nodes.flatMap((node) => nodeLines(name, node)).join("\n")}
`;
}

function stepCases({ path, entries }: CompletionNode): string[] {
  const parent = path.join(" ");
  return entries.flatMap(({ name, aliases = [] }) => [
    `            case ${[name, ...aliases].map((word) => quoted(`${parent} ${word}`)).join(" ")}`,
    `                set path ${quoted(`${parent} ${name}`)}`,
  ]);
}

function valuedFlags({ path, flags }: CompletionNode): string[] {
  return flags.filter(({ value }) => value !== undefined)
    .flatMap(({ long, short }) => short === undefined ? [long] : [long, short])
    .map((form) => `${path.join(" ")} ${form}`);
}

function nodeLines(name: string, { path, entries, flags, args }: CompletionNode): string[] {
  const here = path.join(" ");
  const start = `complete -c ${name}`;
  const commands = entries.flatMap((entry) =>
    [entry.name, ...entry.aliases ?? []].map((word) =>
      `${start} -n ${quoted(`__${name}_at '${here}' 0 0`)} -a ${quoted(word)} -d ${quoted(entry.summary)}`
    )
  );
  const options = flags.map((flag) => `${start} -n ${quoted(`__${name}_at '${here}'`)} ${flagOptions(flag)}`);
  const positions = args.flatMap((value, index) => {
    const offer = offerOf(value);
    if (offer === undefined) return [];
    const range = value.repeated ? `${index} 1000` : `${index} ${index}`;
    return [`${start} -n ${quoted(`__${name}_at '${here}' ${range}`)} ${offer}`];
  });
  return [...commands, ...options, ...positions];
}

function flagOptions({ long, short, help, value }: CompletionFlag): string {
  const forms = [...short === undefined ? [] : [`-s ${short.slice(1)}`], `-l ${long.slice(2)}`];
  if (value !== undefined) forms.push("-r", offerOf(value) ?? "-f");
  return [...forms, `-d ${quoted(help)}`].join(" ");
}

function offerOf({ choices, completes }: CompletionValue): string | undefined {
  if (choices.length > 0) return `-f -a ${quoted(choices.join(" "))}`;
  if (completes === undefined) return undefined;
  return completes === "file" ? "-F" : `-f -a '(__fish_complete_directories)'`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
