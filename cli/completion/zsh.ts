import { quoted } from "../flag_words.ts";
import type { CompletionFlag, CompletionNode, CompletionValue } from "./nodes.ts";

/** Returns a completion script for zsh, to be sourced or put into `$fpath` as `_gcrane`. */
export function zshCompletion(name: string, nodes: readonly CompletionNode[]): string {
  return `#compdef ${name}
# zsh completion for ${name}: source it after compinit, or put it into a directory of $fpath as _${name}

${nodes.map((node) => nodeFunction(node, nodes)).join("\n\n")}

if [[ "$funcstack[1]" == _${name} ]]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`;
}

function functionName(path: readonly string[]): string {
  return `_${path.join("_")}`;
}

function nodeFunction(node: CompletionNode, nodes: readonly CompletionNode[]): string {
  const specs = node.flags.map(flagSpec);
  const body = node.entries.length > 0 ? groupBody(node, specs, nodes) : leafBody(node, specs);
  return `${functionName(node.path)}() {\n${body}\n}`;
}

function leafBody({ args }: CompletionNode, flags: readonly string[]): string {
  const positions = args.map((value, index) => {
    const place = value.repeated ? "*" : String(index + 1);
    return quoted(`${place}:${escaped(value.name)}:${action(value)}`);
  });
  return argumentsCall("-s -S", [...flags, ...positions]);
}

function groupBody(
  { path, entries }: CompletionNode,
  flags: readonly string[],
  nodes: readonly CompletionNode[],
): string {
  const described = entries.flatMap(({ name, aliases = [], summary }) =>
    [name, ...aliases].map((word) => `        ${quoted(`${escaped(word)}:${summary}`)}`)
  );
  const cases = entries.map(({ name, aliases = [] }) => {
    const target = nodes.find((node) => node.path.join(" ") === [...path, name].join(" "))?.path ?? path;
    return `        ${[name, ...aliases].join("|")}) ${functionName(target)} ;;`;
  });
  return `  local curcontext="$curcontext" state line
  typeset -A opt_args
${argumentsCall("-s -S -C", [...flags, quoted("1: :->entry"), quoted("*:: :->rest")])}
  case $state in
    entry)
      local -a entries=(
${described.join("\n")}
      )
      _describe -t commands command entries
      ;;
    rest)
      case $words[1] in
${cases.join("\n")}
        *)
        ${argumentsCall("-s -S", [...flags])}
        ;;
      esac
      ;;
  esac`;
}

function argumentsCall(options: string, specs: readonly string[]): string {
  return [`  _arguments ${options}`, ...specs.map((spec) => `    ${spec}`)].join(" \\\n");
}

function flagSpec({ long, short, help, value, repeated }: CompletionFlag): string {
  const description = `[${escaped(help)}]`;
  const takes = value === undefined ? "" : `:${escaped(value.name)}:${action(value)}`;
  const again = repeated ? "*" : "";
  const longForm = value === undefined ? long : `${long}=`;
  if (short === undefined) return quoted(`${again}${longForm}${description}${takes}`);
  const others = repeated ? "'*'" : `'(${short} ${long})'`;
  const shortForm = value === undefined ? short : `${short}+`;
  return `${others}{${shortForm},${longForm}}${quoted(`${description}${takes}`)}`;
}

function action({ choices, completes }: CompletionValue): string {
  if (choices.length > 0) return `(${choices.join(" ")})`;
  if (completes === undefined) return " ";
  return completes === "file" ? "_files" : "_files -/";
}

/** Escapes the characters with a meaning in `_arguments` and `_describe`. */
function escaped(text: string): string {
  return text.replaceAll(/[\\\[\]:]/g, (character) => `\\${character}`);
}
