import { UsageError } from "../src/errors.ts";
import { certsDirectories, type ConnectionOptions, fetchFor } from "../src/http/mod.ts";
import type { Certificates, Context } from "./command.ts";
import type { ParsedWords } from "./parse_words.ts";

/**
 * Reads the files of --ca-cert, --client-cert and --client-key.
 *
 * @throws {UsageError} if a file holds no certificate or no key.
 */
export async function readCertificates(flags: ParsedWords["flags"]): Promise<Certificates> {
  const ca = await readPem(flags, "caCert", "--ca-cert", "CERTIFICATE");
  const cert = await readPem(flags, "clientCert", "--client-cert", "CERTIFICATE");
  const key = await readPem(flags, "clientKey", "--client-key", "PRIVATE KEY");
  if (key !== undefined && cert === undefined) {
    throw new UsageError("--client-key is given without --client-cert", { hint: "name the file of its certificate" });
  }
  if (cert !== undefined && !(key ?? cert).includes("PRIVATE KEY-----")) {
    throw new UsageError("--client-cert names a file without a private key", {
      hint: "name its file with --client-key",
    });
  }
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert, key: key ?? cert }),
  };
}

/** Returns the `fetch` of a command for registries, or for other servers, to which --insecure does not apply. */
export function networkFetch(
  { fetch, certificates, environment }: Pick<Context, "fetch" | "certificates" | "environment">,
  options: { insecure?: boolean } & Pick<ConnectionOptions, "certificateFolders" | "hostCertificates"> = {},
): typeof globalThis.fetch {
  if (fetch) return fetch;
  const { insecure: insecureTls = false, certificateFolders, hostCertificates } = options;
  const own = { certificateFolders, hostCertificates };
  return fetchFor({
    ...certificates,
    ...own,
    insecureTls,
    environment,
    certsDirectories: certsDirectories(environment),
  });
}

async function readPem(
  flags: ParsedWords["flags"],
  name: "caCert" | "clientCert" | "clientKey",
  flag: string,
  kind: string,
): Promise<string | undefined> {
  const path = flags[name];
  if (typeof path !== "string") return undefined;
  const { readNamed } = await import("./named_file.ts");
  const text = await readNamed(path);
  if (text.includes(`${kind}-----`)) return text;
  throw new UsageError(`${flag} names ${path}, which holds no ${kind.toLowerCase()} in PEM`);
}
