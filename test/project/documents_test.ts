import { assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { posix } from "node:path";
import { describe, it } from "node:test";
import { flagName } from "../../cli/flag_words.ts";
import { gcrane } from "../../cli/table.ts";
import { commandEntries } from "../make/command_entries.ts";
import {
  anchors,
  blockLines,
  commandLines,
  faultOfCommand,
  inlineCode,
  links,
  type Piece,
} from "./documented_commands.ts";
import { documents, packageSources, read, readJson, top, typescript } from "./tree.ts";

/** Flags of other programs that documents name in running text. */
const FLAGS_OF_OTHERS = [
  ...["--authfile", "--dest-compress-format", "--dest-creds", "--policy", "--preserve-digests", "--retry-times"],
  ...["--src-creds", "--src-tls-verify", "--tls", "--concurrency", "--oci-layout", "--plain-http"],
  ...["--registry-config", "--from-registry-config", "--to-registry-config"],
];
/** Flags of the tasks of deno.json. */
const FLAGS_OF_TASKS = ["--bun", "--check", "--deno", "--doc", "--jsr", "--node", "--config", "--dry-run", "--write"];

const pages = documents().filter((path) => path !== "CHANGELOG.md");

/** Collects a line for each fault in the pages. */
async function faults(
  pieces: (document: string) => Piece[],
  faultOf: (text: string, path: string) => string | undefined | Promise<string | undefined>,
): Promise<string[]> {
  const found: string[] = [];
  for (const path of pages) {
    for (const { line, text } of pieces(read(path))) {
      const fault = await faultOf(text, path);
      if (fault !== undefined) found.push(`${path}:${line}: ${fault}`);
    }
  }
  return found;
}

describe("the documents", () => {
  it("link to files and headings that exist", async () => {
    const fault = (target: string, path: string) => {
      if (/^https?:/.test(target)) return undefined;
      const [file, anchor] = target.split("#");
      const page = file === "" ? path : posix.join(posix.dirname(path), file);
      if (!existsSync(top + page)) return `${target} does not exist`;
      if (anchor !== undefined && !anchors(read(page)).has(anchor)) return `${page} has no heading #${anchor}`;
    };
    assertEquals(await faults(links, fault), []);
  });

  it("show commands and flags that exist", async () => {
    const fault = async (text: string) => {
      for (const words of commandLines(text)) {
        const wrong = await faultOfCommand(words);
        if (wrong !== undefined) return `gcrane ${words.join(" ")}: ${wrong}`;
      }
    };
    assertEquals(await faults(blockLines, fault), []);
    const inline = (document: string) => inlineCode(document).filter(({ text }) => text.startsWith("gcrane "));
    assertEquals(await faults(inline, fault), []);
  });

  it("name flags that exist", async () => {
    const known = new Set([...FLAGS_OF_OTHERS, ...FLAGS_OF_TASKS]);
    const add = (flags: object) => Object.keys(flags).forEach((key) => known.add(`--${flagName(key)}`));
    add(gcrane.flags);
    for (const [, { load }] of commandEntries(gcrane.entries)) add((await load()).command.flags);
    const fault = (text: string) => {
      const [, flag] = /^(--[a-z][a-z0-9-]*)/.exec(text) ?? [];
      const isKnown = flag === undefined || known.has(flag) || known.has(flag.replace(/^--no-/, "--"));
      return isKnown ? undefined : `no command has ${flag}`;
    };
    assertEquals(await faults(inlineCode, fault), []);
  });

  it("name tasks that exist", async () => {
    const tasks = readJson("deno.json").tasks as Record<string, unknown>;
    const fault = (text: string) => {
      for (const [, name] of text.matchAll(/\btask (?:--\S+ )?([a-z][\w:]*)/g)) {
        if (!(name in tasks)) return `deno.json has no task ${name}`;
      }
    };
    assertEquals(await faults((document) => [...blockLines(document), ...inlineCode(document)], fault), []);
  });

  it("name variables that the package reads", async () => {
    const sources = [...packageSources(typescript()).values()].join("\n");
    const variables = new Set([...sources.matchAll(/\bGCRANE_[A-Z0-9_]+\b/g)].map(([name]) => name));
    const fault = (text: string) =>
      [...text.matchAll(/\bGCRANE_[A-Z0-9_]+\b/g)].map(([name]) => name).find((name) => !variables.has(name));
    assertEquals(await faults((document) => [...blockLines(document), ...inlineCode(document)], fault), []);
  });
});

describe("the search in documents", () => {
  it("finds commands in lines of shell", () => {
    assertEquals(commandLines("A=b gcrane ls -r x | xargs gcrane tag $(gcrane digest y) z && npx -y gcrane version"), [
      ["ls", "-r", "x"],
      ["tag", "$"],
      ["digest", "y"],
      ["version"],
    ]);
    assertEquals(commandLines("docker run x/gcrane:v1 ls; install ./gcrane"), []);
  });

  it("finds what is wrong with a command", async () => {
    assertEquals(await faultOfCommand(["copy", "-r", "--exclude", "--any", "a", "b"]), undefined);
    assertEquals(await faultOfCommand(["copy", "--recursve"]), "unknown flag --recursve");
    assertEquals(await faultOfCommand(["cpy"]), 'unknown command "cpy"');
  });

  it("finds blocks, inline code, links and headings", () => {
    const document = "# A `b`: c\n\n[x](y.md#z) `--d`\n\n```sh\ngcrane ls \\\n  a # b\n```\n`[n](o)`\n";
    assertEquals(links(document), [{ line: 3, text: "y.md#z" }]);
    assertEquals(blockLines(document), [{ line: 6, text: "gcrane ls  a" }]);
    assertEquals(inlineCode(document).map(({ text }) => text), ["b", "--d", "[n](o)"]);
    assertEquals([...anchors(document)], ["a-b-c"]);
  });
});
