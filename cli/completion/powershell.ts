import type { CompletionNode, CompletionValue } from "./nodes.ts";

/** Returns a completion script for PowerShell 5.1 and later. */
export function powershellCompletion(name: string, nodes: readonly CompletionNode[]): string {
  return `# PowerShell completion for ${name}: ${name} completion powershell | Out-String | Invoke-Expression

Register-ArgumentCompleter -Native -CommandName ${quoted(name)} -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $nodes = @{
${nodes.map(nodeEntry).join("\n")}
  }
  $words = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
    ForEach-Object { $_.Extent.Text } | Select-Object -Skip 1)
  $path = ${quoted(name)}
  $position = 0
  $value = $null
  foreach ($word in $words) {
    $node = $nodes[$path]
    if ($null -ne $value) { $value = $null; continue }
    if ($word -clike '-?*') {
      if ($node.Values.ContainsKey($word)) { $value = $word }
      continue
    }
    if ($position -eq 0 -and $node.Entries.ContainsKey($word)) { $path = "$path $($node.Entries[$word])" } else { $position++ }
  }
  $node = $nodes[$path]
  if ($null -ne $value) { $offered = $node.Values[$value] }
  elseif ($wordToComplete -clike '-*') { $offered = $node.Flags }
  elseif ($position -eq 0 -and $node.Entries.Count -gt 0) { $offered = $node.Entries.Keys }
  elseif ($node.Arguments.Count -gt 0) { $offered = $node.Arguments[[Math]::Min($position, $node.Arguments.Count - 1)] }
  # Without an offer PowerShell completes the names of files.
  $offered | Where-Object { $_ -clike "$wordToComplete*" } | Sort-Object |
    ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
}
`;
}

function nodeEntry({ path, entries, flags, args }: CompletionNode): string {
  const names = entries.flatMap((entry) => [entry.name, ...entry.aliases ?? []].map((word) => [word, entry.name]));
  const valued = flags.flatMap(({ long, short, value }) =>
    value === undefined ? [] : [long, ...short === undefined ? [] : [short]].map((form) => [form, choices(value)])
  );
  const forms = flags.flatMap(({ long, short }) => short === undefined ? [long] : [long, short]);
  return [
    `    ${quoted(path.join(" "))} = @{`,
    `      Entries = ${table(names.map(([word, entry]) => [word, quoted(entry)]))}`,
    `      Flags = ${list(forms)}`,
    `      Values = ${table(valued as [string, string][])}`,
    // The comma keeps a list of one list.
    `      Arguments = @(${args.map((value) => `,${choices(value)}`).join("; ")})`,
    "    }",
  ].join("\n");
}

function choices({ choices }: CompletionValue): string {
  return list(choices);
}

function list(words: readonly string[]): string {
  return `@(${words.map(quoted).join(", ")})`;
}

/** A hashtable whose keys are compared by case, as those of flags differ by it alone. */
function table(pairs: readonly (readonly string[])[]): string {
  const lines = pairs.map(([key, value]) => `$t.Add(${quoted(key)}, ${value})`);
  return `$(${["$t = [hashtable]::new()", ...lines, "$t"].join("; ")})`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
