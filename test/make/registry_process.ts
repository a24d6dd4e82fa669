import { spawn } from "node:child_process";
import { gcraneWords } from "./gcrane_process.ts";

/** Runs `gcrane registry serve` on a free port while `work` runs with its `host:port`. */
export async function withRegistryProcess<T>(
  work: (host: string) => T | Promise<T>,
  flags: readonly string[] = [],
): Promise<T> {
  const [command, ...words] = [...gcraneWords, "registry", "serve", "--address", "127.0.0.1:0", ...flags];
  const server = spawn(command, words, { stdio: ["ignore", "ignore", "pipe"] });
  const exited = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  try {
    const host = await new Promise<string>((resolve, reject) => {
      let said = "";
      server.stderr.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        const match = /http:\/\/(\S+)/.exec(said);
        if (match) resolve(match[1]);
      });
      exited.then(() => reject(new Error(`the registry did not start: ${said}`)));
    });
    return await work(host);
  } finally {
    server.kill("SIGTERM");
    await exited;
  }
}
