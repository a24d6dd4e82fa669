import type { CompletionNode, CompletionValue } from "./nodes.ts";

/** Returns a completion script for bash 3.2 and later. */
export function bashCompletion(name: string, nodes: readonly CompletionNode[]): string {
  return `# bash completion for ${name}: source it, or put it where bash-completion looks

_${name}_offer() {
  local line
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$@" -- "$cur")
}

_${name}_offer_files() {
  compopt -o filenames 2>/dev/null
  _${name}_offer "$1"
}

_${name}() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" path="${name}" entries="" flags="" valued="" value="" position=0 index word
  COMPREPLY=()
  for ((index = 1; index <= COMP_CWORD; index++)); do
    _${name}_node
    # What stands before the cursor decides what is offered there.
    ((index == COMP_CWORD)) && break
    word="\${COMP_WORDS[index]}"
    # "=" is a word of its own in bash: --flag = value
    if [[ "$word" == "=" ]]; then continue; fi
    if [[ -n "$value" ]]; then value=""; continue; fi
    case "$word" in
      -*) [[ " $valued " == *" $word "* ]] && value="$word" ;;
      *) _${name}_step "$word" ;;
    esac
  done
  [[ "$cur" == "=" ]] && cur=""
  if [[ -n "$value" ]]; then _${name}_value "$path" "$value"; return; fi
  if [[ "$cur" == -* ]]; then _${name}_offer -W "$flags"; return; fi
  if [[ -n "$entries" && $position == 0 ]]; then _${name}_offer -W "$entries"; return; fi
  _${name}_argument "$path" "$position"
}

_${name}_step() {
  case "$path $1" in
${nodes.flatMap(stepCases).join("\n")}
    *) ((position++)) ;;
  esac
}

_${name}_node() {
  case "$path" in
${nodes.map(nodeCase).join("\n")}
  esac
}

_${name}_value() {
  case "$1 $2" in
${nodes.flatMap((node) => valueCases(name, node)).join("\n")}
  esac
}

_${name}_argument() {
  case "$1 $2" in
${nodes.flatMap((node) => argumentCases(name, node)).join("\n")}
  esac
}

complete -F _${name} ${name}
`;
}

function stepCases({ path, entries }: CompletionNode): string[] {
  const parent = path.join(" ");
  return entries.map((entry) => {
    const patterns = [entry.name, ...entry.aliases ?? []].map((word) => `"${parent} ${word}"`);
    return `    ${patterns.join("|")}) path="${parent} ${entry.name}" ;;`;
  });
}

function nodeCase({ path, entries, flags }: CompletionNode): string {
  const words = entries.flatMap((entry) => [entry.name, ...entry.aliases ?? []]);
  const forms = flags.flatMap(({ long, short }) => short === undefined ? [long] : [long, short]);
  const valued = flags.filter(({ value }) => value !== undefined)
    .flatMap(({ long, short }) => short === undefined ? [long] : [long, short]);
  return [
    `    "${path.join(" ")}")`,
    `      entries="${words.join(" ")}"`,
    `      flags="${forms.join(" ")}"`,
    `      valued="${valued.join(" ")}" ;;`,
  ].join("\n");
}

function valueCases(name: string, { path, flags }: CompletionNode): string[] {
  return flags.flatMap(({ long, short, value }) => {
    const offer = value && offerOf(name, value);
    const patterns = [long, ...short === undefined ? [] : [short]].map((form) => `"${path.join(" ")} ${form}"`);
    return offer === undefined ? [] : [`    ${patterns.join("|")}) ${offer} ;;`];
  });
}

function argumentCases(name: string, { path, args }: CompletionNode): string[] {
  return args.flatMap((value, index) => {
    const offer = offerOf(name, value);
    const isLast = index === args.length - 1;
    const pattern = `"${path.join(" ")} "${value.repeated && isLast ? "*" : index}`;
    return offer === undefined ? [] : [`    ${pattern}) ${offer} ;;`];
  });
}

function offerOf(name: string, { choices, completes }: CompletionValue): string | undefined {
  if (choices.length > 0) return `_${name}_offer -W "${choices.join(" ")}"`;
  if (completes === undefined) return undefined;
  return `_${name}_offer_files ${completes === "file" ? "-f" : "-d"}`;
}
