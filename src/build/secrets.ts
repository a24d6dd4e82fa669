import { globs } from "./globs.ts";

/** Files that hold secrets by their names: they go in only if an include names them. */
const SECRETS = globs([
  ".env",
  ".env.*",
  "*.env",
  ".npmrc",
  ".yarnrc",
  ".yarnrc.yml",
  ".netrc",
  "_netrc",
  ".pypirc",
  ".git-credentials",
  ".htpasswd",
  "id_{rsa,dsa,ecdsa,ed25519}",
  "*.{pem,key,p12,pfx,jks,keystore}",
  ".{aws,azure,docker,gnupg,kube,ssh}",
]);

/** Templates without values. */
const TEMPLATES = globs([".env.{example,sample,template,dist,defaults}"]);

/** Returns whether a file holds secrets, by its path. */
export function isSecret(path: string): boolean {
  return SECRETS.matches(path) && !TEMPLATES.matches(path);
}
