import { requireNodeModule, runtimeName } from "./host.ts";

/** Returns the certificates in PEM that this runtime trusts by itself. Those in a list of our own replace them. */
export function defaultAuthorities(): readonly string[] {
  const tls = requireNodeModule("node:tls", "TLS");
  return tls.getCACertificates?.("default") ?? tls.rootCertificates;
}

let known: Set<string> | undefined;

/**
 * Returns those of the certificates, in PEM, that this runtime does not trust by itself, each once. On Deno returns all:
 * its own list takes longer to load than the certificates.
 */
export function furtherAuthorities(texts: Iterable<string>): string[] {
  const found = new Map<string, string>();
  for (const text of texts) for (const [pem] of text.matchAll(CERTIFICATE)) found.set(bare(pem), pem);
  if (found.size > 0 && runtimeName() !== "deno") {
    known ??= new Set(defaultAuthorities().map(bare));
    for (const pem of known) found.delete(pem);
  }
  return [...found.values()];
}

const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** Returns a certificate without line breaks, for comparisons. */
function bare(pem: string): string {
  return pem.replace(/-----[^-]+-----|\s/g, "");
}
