import { FileError } from "../errors.ts";
import { fileFailure, missingIsUndefined } from "../io/mod.ts";
import { joinPath, readTextFile } from "../runtime/mod.ts";

/** The certificates for TLS with an engine, in PEM. */
export interface EngineCertificates {
  /**
   * Authorities to trust in addition to the system's.
   * @default none
   */
  ca?: string;
  /**
   * The client's certificate.
   * @default none
   */
  cert?: string;
  /**
   * The private key of `cert`.
   * @default none
   */
  key?: string;
  /**
   * Whether the engine's certificate is verified.
   * @default true
   */
  verify?: boolean;
}

/**
 * Reads `ca.pem`, `cert.pem` and `key.pem` of a folder, as Docker's client does. Either an authority or a certificate
 * with its key is enough.
 *
 * @throws {FileError} if a file can't be read, all are missing, or a certificate has no key.
 */
export async function readCertificates(folder: string): Promise<EngineCertificates> {
  const ca = await readIfThere(joinPath(folder, "ca.pem"));
  const cert = await readIfThere(joinPath(folder, "cert.pem"));
  const keyPath = joinPath(folder, "key.pem");
  const key = await readIfThere(keyPath);
  const hint = "DOCKER_CERT_PATH names the folder of ca.pem, cert.pem and key.pem";
  if (ca === undefined && cert === undefined) {
    throw new FileError(`${folder} holds no ca.pem and no cert.pem`, { hint });
  }
  if (cert === undefined) return { ca };
  if (key === undefined) throw new FileError(`${folder} holds cert.pem, but not its key.pem`, { hint });
  return { ca, cert, key };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readTextFile(path).catch(missingIsUndefined);
  } catch (error) {
    throw fileFailure(`can't read ${path}`, error);
  }
}
