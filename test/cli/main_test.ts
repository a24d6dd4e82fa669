import { describe, it } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { posix } from "node:path";
import type { Command, CommandEntry, Entry } from "../../cli/command.ts";
import { main } from "../../cli/main.ts";
import { parseWords } from "../../cli/parse_words.ts";
import { isCommandEntry, resolveCommand } from "../../cli/resolve.ts";
import { gcrane } from "../../cli/table.ts";
import { emptyImage } from "../../src/image/mod.ts";
import { createRegistry } from "../../src/registry/mod.ts";
import { Pusher } from "../../src/remote/mod.ts";
import { serveFetch } from "../../src/runtime/mod.ts";
import { VERSION } from "../../src/version.ts";
import { importsOf } from "../project/imports.ts";
import { packageSources, readJson, typescript } from "../project/tree.ts";
import { FakeIo } from "../fakes/fake_io.ts";
import { withFolder } from "../make/gcrane_process.ts";
import { runFile } from "../make/processes.ts";

async function gcraneLine(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const io = new FakeIo();
  return { code: await main(words, io), out: io.out, err: io.err };
}

function commandEntries(entries: readonly Entry[], path: readonly string[] = []): [path: string[], CommandEntry][] {
  return entries.flatMap((entry) => {
    const here = [...path, entry.name];
    return isCommandEntry(entry)
      ? [[here, entry] as [string[], CommandEntry], ...commandEntries(entry.below ?? [], here)]
      : commandEntries(entry.entries, here);
  });
}

describe("gcrane", () => {
  it("prints its version, which is the package's", async () => {
    assertEquals(await gcraneLine("version"), { code: 0, out: `${VERSION}\n`, err: "" });
    assertEquals(VERSION, readJson("deno.json").version);
  });

  it("alone prints the list of commands", async () => {
    const { code, out, err } = await gcraneLine();
    assertEquals([code, err], [0, ""]);
    assertMatch(out, /^Usage: gcrane \[flags\] COMMAND$/m);
  });

  it("runs as a process", async () => {
    assertEquals(await runFile("cli/main.ts", ["version"]), { code: 0, out: `${VERSION}\n`, err: "" });
    assertEquals(await runFile("cli/main.ts", ["--verbos"]), {
      code: 2,
      out: "",
      err: "Error: unknown flag --verbos — did you mean --verbose?\n",
    });
  });
});

describe("the table", () => {
  it("is in alphabetical order, no name twice", () => {
    const check = (entries: readonly Entry[]) => {
      const names = entries.map(({ name }) => name);
      assertEquals(names, [...new Set(names)].sort());
      const all = entries.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
      assertEquals(all.length, new Set(all).size);
      for (const entry of entries) if (!isCommandEntry(entry)) check(entry.entries);
    };
    check(gcrane.entries);
  });

  for (const [path, entry] of commandEntries(gcrane.entries)) {
    const name = path.join(" ");
    it(`${name} is declared well`, async () => {
      const { command } = await entry.load();
      assertMatch(entry.summary, /^[A-Z].*[^.]$/);
      assert(command.examples.length > 0);
      for (const [key, flag] of Object.entries(command.flags)) {
        assertMatch(key, /^[a-z][a-z0-9]*([A-Z][a-z0-9]*)*$/);
        assertMatch(flag.help, /^[A-Z].*[^.]$/);
        assert(flag.short === undefined || /^[a-zA-Z]$/.test(flag.short), `-${flag.short}`);
      }
      const shorts = Object.values({ ...gcrane.flags, ...command.flags }).flatMap(({ short }) => short ?? []);
      assertEquals(shorts.length, new Set(shorts).size);
      for (const argument of Object.values(command.args)) assertMatch(argument.help, /[^.]$/);
    });

    it(`${name} has examples that it understands`, async () => {
      const { command } = await entry.load();
      for (const example of command.examples) {
        const words = wordsOf(example.command);
        assertEquals(words.length > 0, true, example.command);
        const resolved = resolveCommand(gcrane, words);
        assertEquals(resolved.path.slice(1), path, example.command);
        await understands(command, resolved.words);
      }
    });
  }
});

/** The words after `gcrane` in a line for a shell, up to where the shell takes over. */
function wordsOf(line: string): string[] {
  // What another command would put there is one word.
  const plain = line.startsWith("gcrane ") ? line.replaceAll(/\$\([^)]*\)/g, "word") : line;
  const after = /\bgcrane ((?:'[^']*'|"[^"]*"|[^'"|<>)&;])*)/.exec(plain)?.[1] ?? "";
  return Array.from(after.matchAll(/'([^']*)'|"([^"]*)"|\S+/g), ([all, single, double]) => single ?? double ?? all);
}

async function understands(command: Command, words: readonly string[]): Promise<void> {
  await parseWords(words, {
    args: command.args,
    flags: { ...gcrane.flags, ...command.flags },
    environment: () => undefined,
  });
}

describe("starting", () => {
  const sources = packageSources(typescript());

  /** What is loaded with a file, before anything is asked for. */
  function loadedWith(file: string): string[] {
    const loaded = new Set([file]);
    for (const path of loaded) {
      for (const { specifier, kind } of importsOf(sources.get(path) ?? "")) {
        if (kind !== "static" || specifier === undefined) continue;
        loaded.add(specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : specifier);
      }
    }
    return [...loaded];
  }

  it("loads no command, no package, and of the library errors and the runtime alone", () => {
    const loaded = loadedWith("cli/main.ts");
    assertEquals(loaded.filter((path) => !/^cli\/[^/]+$|^src\/errors\.ts$|^src\/runtime\//.test(path)), []);
    for (const late of ["help", "failure", "redact", "progress", "progress_frame", "request_log", "units"]) {
      assertEquals([late, loaded.includes(`cli/${late}.ts`)], [late, false]);
    }
  });

  it("loads for the help of a command none of the rooms that it works with", () => {
    const rooms = /^src\/(graph|transport|mutate|layout|tarball|cache|remote|daemon|source|crane)\//;
    const commands = [...sources.keys()].filter((path) => path.startsWith("cli/commands/"));
    assertEquals(
      commands.map((path) => [path, loadedWith(path).filter((one) => rooms.test(one))]).filter(([, loaded]) =>
        loaded.length > 0
      ),
      [],
    );
  });

  it("loads a bounded number of modules for each command", () => {
    const works: Readonly<Record<string, readonly [files: readonly string[], most: number]>> = {
      version: [["cli/commands/version.ts"], 55],
      "--help": [["cli/help.ts"], 55],
      digest: [["cli/commands/digest.ts", "src/name/mod.ts", "src/source/mod.ts", "src/remote/mod.ts"], 225],
      ls: [["cli/commands/ls.ts", "gcr/internal.ts", "src/remote/mod.ts"], 225],
    };
    const loaded = Object.entries(works).map(([name, [files, most]]) => {
      const modules = new Set(["cli/main.ts", ...files].flatMap(loadedWith));
      return [name, modules.size <= most || modules.size];
    });
    assertEquals(loaded, Object.keys(works).map((name) => [name, true]));
  });

  it("loads hono for no command but registry serve", () => {
    const commands = [...sources.keys()].filter((path) => path.startsWith("cli/commands/"));
    const withHono = commands.filter((path) => loadedWith(path).some((one) => /^hono(\/|$)/.test(one)));
    assertEquals(withHono.filter((path) => path !== "cli/commands/registry_serve.ts"), []);
  });

  it("loads for a listing nothing of copies, garbage collection and synchronisation", () => {
    const imported = importsOf(sources.get("cli/commands/ls.ts")!)
      .filter(({ specifier, kind }) => kind === "dynamic" && specifier?.startsWith("../../"))
      .map(({ specifier }) => posix.join("cli/commands", specifier!));
    const loaded = imported.flatMap(loadedWith).filter((path) =>
      /^gcr\/(sync\/|gc_?|.*copy_run)|^croner$|yaml/.test(path)
    );
    assertEquals([imported.length > 0, loaded.filter((path) => path !== "gcr/gc_pins.ts")], [true, []]);
  });

  /** Runs gcrane in an empty home; returns its output and what it has used that takes time to load. */
  async function start(...words: string[]): Promise<{ out: string; used: string[] }> {
    return await withFolder(async (home) => {
      const { code, out, err } = await runFile("test/cli/programs/start.ts", words, { env: { HOME: home } });
      assertEquals([code, /^\[.*\]$/.test(err)], [0, true], err);
      return { out, used: JSON.parse(err) };
    });
  }

  it("uses no module of node on Deno, nor a timer, and node:fs alone of what else is slow to load elsewhere", async () => {
    const registry = createRegistry();
    const server = await serveFetch((request) => registry.fetch(request), { hostname: "127.0.0.1", port: 0 });
    try {
      const reference = `${new URL(server.url).host}/app:v1`;
      await new Pusher().push(reference, emptyImage());
      const digest = await emptyImage().digest();
      const cases = [["version"], ["--help"], ["digest", reference], ["ls", reference.replace(/:v1$/, "")]];
      for (const words of cases) {
        const { out, used } = await start(...words);
        if (words[0] === "digest") assertEquals(out, `${digest}\n`);
        const slow = "Deno" in globalThis ? used : used.filter((name) => /^node:(?!fs$|http$|os$)/.test(name));
        assertEquals([words, slow], [words, []]);
      }
    } finally {
      await server.close();
    }
  });
});
