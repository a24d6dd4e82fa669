import { FileError } from "../errors.ts";
import { fileFailure } from "../io/mod.ts";
import { exists, furtherAuthorities, joinPath, mayRead, readDirectory, readTextFile } from "../runtime/mod.ts";
import type { Environment } from "./proxy.ts";

/** The certificates for one host, in PEM. */
export interface HostCertificates {
  /** Authorities to trust. */
  readonly ca?: string;
  /** The certificate of the client. */
  readonly cert?: string;
  /** The private key of `cert`. */
  readonly key?: string;
}

/**
 * Returns the authorities that SSL_CERT_FILE (a file) and SSL_CERT_DIR (folders, separated by colons) name and the
 * runtime does not trust by itself; `undefined` if there are none. As in Go's programs, what can't be read is left out.
 */
export async function environmentAuthorities(environment: Environment): Promise<string | undefined> {
  const file = environment("SSL_CERT_FILE");
  const folders = environment("SSL_CERT_DIR")?.split(":") ?? [];
  const paths = [...(file && mayRead(file) ? [file] : []), ...(await Promise.all(folders.map(filesOf))).flat()];
  const texts = await Promise.all(paths.map((path) => readTextFile(path).catch(() => "")));
  return furtherAuthorities(texts).join("\n") || undefined;
}

/** Returns the files in a folder, without the links to others of them that OpenSSL looks up by a hash. */
async function filesOf(folder: string): Promise<string[]> {
  if (folder === "" || !mayRead(folder)) return [];
  const entries = await readDirectory(folder).catch(() => []);
  const names = entries.filter(({ name, kind }) => kind === "file" || (kind === "symlink" && !HASHED.test(name)));
  return names.map(({ name }) => joinPath(folder, name)).sort();
}

const HASHED = /^[0-9a-f]{8}\.\d+$/;

/**
 * Returns the certificates in the first of the folders that has a folder of one of the names, `HOST` or `HOST:PORT`:
 * `*.crt` are authorities, `*.cert` with the `*.key` of the same name is the client's.
 *
 * @throws {FileError} if a file can't be read, or a certificate has no key.
 */
export async function hostCertificates(
  folders: readonly string[],
  names: readonly string[],
): Promise<HostCertificates> {
  for (const folder of folders) {
    for (const name of names) {
      const path = joinPath(folder, name);
      // A folder of the engine alone may be closed to its users.
      if (await exists(path).catch(() => false)) return await readHostFolder(path);
    }
  }
  return {};
}

/** Returns the certificates in a folder. @throws {FileError} as {@linkcode hostCertificates} does. */
export async function readHostFolder(folder: string): Promise<HostCertificates> {
  try {
    const names = (await readDirectory(folder)).map(({ name }) => name).sort();
    const read = async (name: string) => await readTextFile(joinPath(folder, name));
    const authorities = await Promise.all(names.filter((name) => name.endsWith(".crt")).map(read));
    const cert = names.find((name) => name.endsWith(".cert"));
    const key = cert?.replace(/\.cert$/, ".key");
    if (key !== undefined && !names.includes(key)) {
      throw new FileError(`${joinPath(folder, cert!)} has no key`, {
        hint: `put its private key into ${key} beside it`,
      });
    }
    return {
      ...(authorities.length > 0 && { ca: authorities.join("\n") }),
      ...(cert !== undefined && { cert: await read(cert), key: await read(key!) }),
    };
  } catch (error) {
    throw fileFailure(`can't read the certificates in ${folder}`, error);
  }
}
