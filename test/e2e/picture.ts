// The picture of a terminal in README.md, from a real run on two registries of this machine.
//
//   deno task picture       writes docs/images/terminal.svg

import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withFolder } from "../make/gcrane_process.ts";
import { withRegistryProcess } from "../make/registry_process.ts";
import { top } from "../project/tree.ts";
import { blockRunner, writeSite } from "./document_blocks.ts";

/** Where the picture is, from the top of the checkout. */
export const PICTURE = "docs/images/terminal.svg";

/** What is typed. Layers are reproducible, so that the digests in the picture are those of every run. */
const COMMANDS = [
  "gcrane append -f ./site --prefix srv/www --reproducible \\\n  -t registry.example.com/site:v1",
  "gcrane append -b registry.example.com/site:v1 \\\n  -f ./config --reproducible -t registry.example.com/site:v2",
  "gcrane tree registry.example.com/site:v2",
  "gcrane export registry.example.com/site:v2 | tar -t",
  "gcrane diff registry.example.com/site:v1 \\\n  registry.example.com/site:v2 | grep -A2 ^Files",
  "gcrane copy -r registry.example.com mirror.example.com",
];

/** A line of the screen, and whether it is typed. */
interface Line {
  readonly text: string;
  readonly typed: boolean;
}

/** Runs the commands and draws the screen. */
export async function terminalPicture(): Promise<string> {
  return await withFolder(async (folder) => {
    writeSite(folder);
    for (const path of ["site", "config/etc"]) chmodSync(join(folder, path), 0o755);
    for (const path of ["site/index.html", "config/etc/site.conf"]) chmodSync(join(folder, path), 0o644);
    return await withRegistryProcess(async (registry) =>
      await withRegistryProcess((mirror) => {
        const run = blockRunner(folder, { "registry.example.com": registry, "mirror.example.com": mirror });
        const lines = COMMANDS.flatMap((command): Line[] => {
          const { stdout, stderr } = run(`{ ${command}; } || true`);
          const shown = `${stdout}${stderr}`.replaceAll(registry, "registry.example.com")
            .replaceAll(mirror, "mirror.example.com").trimEnd().split("\n");
          return [
            ...`$ ${command}`.split("\n").map((text) => ({ text, typed: true })),
            ...shown.flatMap(wrapped).map((text) => ({ text, typed: false })),
          ];
        });
        return draw(lines);
      })
    );
  });
}

/** So few columns that the picture can be read on a phone too. */
const COLUMNS = 60;

/** Returns the lines of the screen that a line takes. */
function wrapped(line: string): string[] {
  return line.match(new RegExp(`.{1,${COLUMNS}}`, "gu")) ?? [""];
}

const [WIDTH, STEP, MARGIN, HEAD] = [7.9, 19, 16, 34];
const PROMPT = '<tspan class="prompt">$ </tspan>';

/** Draws lines of text as an SVG, for a light page and a dark one. */
function draw(lines: readonly Line[]): string {
  const width = COLUMNS * WIDTH + 2 * MARGIN;
  const height = HEAD + lines.length * STEP + MARGIN;
  const rows = lines.map(({ text, typed }, index) => {
    const y = HEAD + (index + 1) * STEP - 5;
    const [, prompt, rest] = /^(\$ )?(.*)$/.exec(escape(text))!;
    const shown = typed ? `${prompt ? PROMPT : ""}<tspan class="typed">${rest}</tspan>` : escape(text);
    return `  <text x="${MARGIN}" y="${y}" textLength="${(text.length * WIDTH).toFixed(1)}">${shown}</text>`;
  });
  const dots = [0, 1, 2].map((index) => `  <circle class="dot" cx="${20 + index * 18}" cy="18" r="5"/>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="A terminal">
  <style>
    .back { fill: #f6f8fa; stroke: #d0d7de; } .dot { fill: #afb8c1; }
    text { fill: #424a53; font: 13px ui-monospace, "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; }
    .prompt { fill: #0969da; } .typed { fill: #1f2328; font-weight: 600; }
    @media (prefers-color-scheme: dark) {
      .back { fill: #161b22; stroke: #30363d; } .dot { fill: #484f58; }
      text { fill: #c9d1d9; } .prompt { fill: #58a6ff; } .typed { fill: #f0f6fc; }
    }
  </style>
  <rect class="back" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
${[...dots, ...rows].join("\n")}
</svg>
`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

if (import.meta.main) writeFileSync(join(top, PICTURE), await terminalPicture());
