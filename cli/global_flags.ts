import type { Flags, FlagValues } from "./flag.ts";

/** The names of keychains for `--keychain`. */
export const keychainNames = [
  "google",
  "docker",
  "ecr",
  "acr",
  "github",
  "kubernetes",
  "secrets",
  "env",
  "anonymous",
] as const;

/** The flags of every command, at any position on the command line. */
export const globalFlags = {
  platform: {
    type: "strings",
    valueName: "PLATFORM",
    commas: true,
    help: "The image of an index: os/arch[/variant][:osversion], for example linux/amd64, or all",
  },
  keychain: {
    type: "strings",
    valueName: "NAME",
    commas: true,
    env: "GCRANE_KEYCHAIN",
    offers: keychainNames,
    help:
      "The sources of credentials, in this order: google, docker[:FILE], ecr, acr, github (these by default), kubernetes[:[NAMESPACE/]ACCOUNT], secrets:FILE, env:PREFIX, anonymous",
  },
  insecure: { type: "boolean", help: "Use plain http for registries, or https with any certificate" },
  caCert: {
    type: "string",
    valueName: "FILE",
    completes: "file",
    help: "Also trust the authorities in this PEM file, beside those in SSL_CERT_FILE and SSL_CERT_DIR",
  },
  clientCert: {
    type: "string",
    valueName: "FILE",
    completes: "file",
    help: "Show the certificate in this PEM file to servers that demand one",
  },
  clientKey: {
    type: "string",
    valueName: "FILE",
    completes: "file",
    help: "The private key of --client-cert, if it is in a file of its own",
  },
  allowRedirect: {
    type: "strings",
    valueName: "HOST",
    help:
      "Follow a registry that sends requests on to this private HOST or HOST:PORT, by a redirect, the location of an upload or the realm of its tokens",
  },
  useMirrors: {
    type: "boolean",
    help:
      "Read blobs, and manifests by digest, from the mirrors in registries.conf and hosts.toml; nothing is pushed there",
  },
  timeout: {
    type: "strings",
    valueName: "TIME",
    commas: true,
    env: "GCRANE_TIMEOUT",
    help:
      "How long to wait for servers; by default connect=30s, answer=60s for manifests, blobs and tokens, slow=10m for lists and writes, stall=60s for the next byte; a time alone sets all, 0 is no limit",
  },
  allowNondistributableArtifacts: { type: "boolean", help: "Also push layers that are marked as nondistributable" },
  as: {
    type: "string",
    valueName: "NAME",
    choices: ["gcrane", "crane"],
    env: "GCRANE_AS",
    help: "Have the habits of crane: ls prints bare tags, and a changed image takes its tag; also under the name crane",
  },
  verbose: { type: "boolean", short: "v", help: "Show each request and the causes of an error, without secrets" },
  version: { type: "boolean", help: "Print the version" },
  help: { type: "boolean", short: "h", help: "Show this help" },
} as const satisfies Flags;

/** The values of the global flags. */
export type GlobalFlags = FlagValues<typeof globalFlags>;
