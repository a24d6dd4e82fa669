import { describe, it } from "node:test";
import { assertEquals, assertLessOrEqual, assertNotMatch, assertStringIncludes } from "@std/assert";
import { flagName } from "../../cli/flag_words.ts";
import { gcrane } from "../../cli/table.ts";
import { commandEntries } from "../make/command_entries.ts";
import { runLine } from "../make/command_line.ts";

const GLOBAL_FLAGS = `Global flags:
      --platform PLATFORM    The image of an index:
                             os/arch[/variant][:osversion], for example
                             linux/amd64, or all (may be repeated or contain
                             commas)
      --keychain NAME        The sources of credentials, in this order: google,
                             docker[:FILE], ecr, acr, github (these by default),
                             kubernetes[:[NAMESPACE/]ACCOUNT], secrets:FILE,
                             env:PREFIX, anonymous (may be repeated or contain
                             commas; or from $GCRANE_KEYCHAIN)
      --insecure             Use plain http for registries, or https with any
                             certificate
      --ca-cert FILE         Also trust the authorities in this PEM file, beside
                             those in SSL_CERT_FILE and SSL_CERT_DIR
      --client-cert FILE     Show the certificate in this PEM file to servers
                             that demand one
      --client-key FILE      The private key of --client-cert, if it is in a
                             file of its own
      --allow-redirect HOST  Follow a registry that sends requests on to this
                             private HOST or HOST:PORT, by a redirect, the
                             location of an upload or the realm of its tokens
                             (may be repeated)
      --use-mirrors          Read blobs, and manifests by digest, from the
                             mirrors in registries.conf and hosts.toml; nothing
                             is pushed there
      --timeout TIME         How long to wait for servers; by default
                             connect=30s, answer=60s for manifests, blobs and
                             tokens, slow=10m for lists and writes, stall=60s
                             for the next byte; a time alone sets all, 0 is no
                             limit (may be repeated or contain commas; or from
                             $GCRANE_TIMEOUT)
      --allow-nondistributable-artifacts
                             Also push layers that are marked as
                             nondistributable
      --as NAME              Have the habits of crane: ls prints bare tags, and
                             a changed image takes its tag; also under the name
                             crane (one of gcrane, crane; or from $GCRANE_AS)
  -v, --verbose              Show each request and the causes of an error,
                             without secrets
      --version              Print the version
  -h, --help                 Show this help`;

describe("the help of a command", () => {
  it("shows everything that its declaration says", async () => {
    const { code, out, err } = await runLine("show --help");
    assertEquals([code, err], [0, ""]);
    assertEquals(
      out,
      `Show what was understood.

Usage: trial show [flags] SRC [TARGET]
Alias: sh

First paragraph.

Second paragraph.

Arguments:
  SRC     Where from
  TARGET  Where to

Flags:
  -a, --all-tags            Every tag
  -n, --no-clobber          Overwrite nothing
  -j, --jobs N              How many at once (default 4)
      --depth N             How deep
  -l, --label KEY=VALUE     A label (may be repeated)
  -f, --new-layer PATH      A layer (may be repeated or contain commas)
  -e, --entrypoint COMMAND  What runs
      --format FORMAT       How it's written [sic]: any (one of tarball, oci;
                            default tarball)
      --cache DIR           Keeps layers (or from $TRIAL_CACHE)

Example:
  # Show a source
  trial show a

${GLOBAL_FLAGS}
`,
    );
  });

  it("is the same however it is asked for, whatever else is on the line", async () => {
    const { out } = await runLine("show --help");
    for (
      const line of [
        "show -h",
        "--help show",
        "-h sh",
        "sh a b c d --help",
        "show -h --nonsense",
        "help show",
        "help sh",
        "help --insecure show",
      ]
    ) {
      const again = await runLine(line);
      assertEquals([line, again.code, again.out, again.err], [line, 0, out, ""]);
    }
  });

  it("is not shown for what comes after --", async () => {
    const { code, out } = await runLine("show -- --help");
    assertEquals([code, JSON.parse(out).args.source], [0, "--help"]);
  });

  it("marks arguments that repeat", async () => {
    assertStringIncludes((await runLine("gather -h")).out, "Usage: trial gather [flags] IMAGE... PATH\n");
    assertStringIncludes((await runLine("help -h")).out, "Usage: trial help [flags] [COMMAND...]\n");
  });
});

describe("the list of commands", () => {
  it("is the help of the program", async () => {
    const { code, out, err } = await runLine("");
    assertEquals([code, err], [0, ""]);
    for (const line of ["--help", "-h", "help", "--insecure", "help --verbose"]) {
      assertEquals([line, (await runLine(line)).out], [line, out]);
    }
    assertStringIncludes(out, "Try the frame.\n\nUsage: trial [flags] COMMAND\n\nCommands:\n  show, sh    Show what");
    assertStringIncludes(
      out,
      `\n\n${GLOBAL_FLAGS}\n\nExample:\n  # Show a source\n  trial show a\n\ntrial COMMAND --help`,
    );
  });

  it("is the help of a group, with an example of each of its commands", async () => {
    const { code, out, err } = await runLine("group");
    assertEquals([code, err], [0, ""]);
    for (const line of ["group --help", "help group"]) assertEquals((await runLine(line)).out, out);
    assertStringIncludes(
      out,
      "Usage: trial group [flags] COMMAND\n\nCommands:\n  one        The first\n  two, zwei  The second",
    );
    assertStringIncludes(
      out,
      "Examples:\n  # Show a source\n  trial show a\n\n  # Gather two\n  trial gather a b file\n",
    );
  });

  it("of a command that does not exist is an error", async () => {
    assertEquals(
      (await runLine("help shwo")).err.split("\n")[0],
      'Error: unknown command "shwo" — did you mean trial show?',
    );
    assertEquals((await runLine("help show more")).err.split("\n")[0], 'Error: trial show has no command "more"');
    assertEquals((await runLine("-- show")).err.split("\n")[0], 'Error: unexpected argument "show"');
  });
});

describe("the page", () => {
  it("fits the terminal, up to a width that is still easy to read", async () => {
    for (const columns of [20, 40, 60, 80, 100, 400]) {
      const { out } = await runLine("show -h", { terminal: { columns, rows: 24 }, environment: { NO_COLOR: "1" } });
      for (const line of out.split("\n")) {
        const isUnbreakable = /^ *\S+$|^ +-\S.*--\S+( \S+)?$|^Usage|^ +--\S+$/.test(line);
        if (!isUnbreakable) assertLessOrEqual(line.length, Math.max(40, Math.min(columns, 110)), line);
      }
    }
  });

  it("is bold in a terminal alone, and not with NO_COLOR", async () => {
    const terminal = { columns: 80, rows: 24 };
    assertStringIncludes((await runLine("show -h", { terminal })).out, "\x1b[1mUsage:\x1b[0m trial show");
    // deno-lint-ignore no-control-regex
    const escape = /\x1b/;
    assertNotMatch((await runLine("show -h")).out, escape);
    assertNotMatch((await runLine("show -h", { terminal, environment: { NO_COLOR: "1" } })).out, escape);
    assertNotMatch((await runLine("show -h", { terminal, environment: { TERM: "dumb" } })).out, escape);
  });
});

describe("the commands of gcrane", () => {
  it("have no flag that their help does not show, but these", async () => {
    const absent: string[] = [];
    for (const [path, { load }] of commandEntries(gcrane.entries)) {
      const { command } = await load();
      const { out } = await runLine(`${path} --help`, { program: gcrane });
      for (const name of Object.keys(command.flags).map(flagName)) {
        if (!new RegExp(`^ +(-., )?--${name}( |$)`, "m").test(out)) absent.push(`${path} --${name}`);
      }
    }
    assertEquals(absent.toSorted(), [
      // Are crane's names for what is an argument or another flag here.
      "edit fs --filename",
      "rebase --original",
      "rebase --rebased",
    ]);
  });
});
