import { NetworkError, UsageError } from "../../src/errors.ts";
import { errorCode } from "../../src/io/mod.ts";
import { type Command, command as declare } from "../command.ts";

/** `gcrane registry serve` */
export const command: Command = declare({
  description:
    "A registry for tests and for work without one. It speaks plain http and asks nobody to sign in, so it listens on this machine alone unless --address says otherwise. Ctrl-C ends it.",
  flags: {
    address: {
      type: "string",
      valueName: "HOST:PORT",
      default: "127.0.0.1:5000",
      help: "Where to listen; port 0 takes a free one",
    },
    disk: {
      type: "string",
      valueName: "DIR",
      completes: "directory",
      help: "Keep the content in a directory instead of in memory",
    },
  },
  examples: [
    { text: "Run a registry whose content stays", command: "gcrane registry serve --address :5000 --disk ./registry" },
  ],
  async run({ flags, note, warn, signal }) {
    const { hostname, port } = parseAddress(flags.address);
    const { serveRegistry } = await import("../../src/registry/mod.ts");
    const { summary } = await import("../failure.ts");
    const onError = (error: unknown, request?: Request) =>
      warn(`${request === undefined ? "" : `${request.method} ${new URL(request.url).pathname}: `}${summary(error)}`);
    const server = await serveRegistry({ hostname, port, disk: flags.disk, onError, signal })
      .catch((error) => {
        throw listenFailure(flags.address, error);
      });
    note(`serving ${flags.disk === undefined ? "from memory" : `from ${flags.disk}`} at ${server.url}`);
    await server.finished;
  },
});

/** Reads `host:port`, `:port` (all addresses) or a port alone. */
function parseAddress(text: string): { hostname: string; port: number } {
  const match = /^(?:(.*):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match || port > 65535) {
    throw new UsageError(`--address ${text} is not HOST:PORT`, { hint: "for example 127.0.0.1:5000" });
  }
  const host = match[1] === undefined ? "127.0.0.1" : match[1] === "" ? "0.0.0.0" : match[1];
  return { hostname: host.replace(/^\[(.*)\]$/, "$1"), port };
}

const notHere = ["this machine does not have that address", "0.0.0.0 is all that it has"] as const;

const listenFailures: Readonly<Record<string, readonly [text: string, hint: string]>> = {
  EADDRINUSE: ["another program listens there", "choose another port with --address, or 0 for a free one"],
  EADDRNOTAVAIL: notHere,
  EINVAL: notHere,
  ENOTFOUND: notHere,
  EACCES: ["only an administrator may listen there", "choose a port above 1023 with --address"],
};

/** Runtimes say each in its own way why they can't listen, and hardly any says where. */
function listenFailure(address: string, error: unknown): unknown {
  const [text, hint] = listenFailures[errorCode(error) ?? ""] ?? [];
  return text === undefined ? error : new NetworkError(`can't listen on ${address}: ${text}`, { cause: error, hint });
}
