/**
 * Returns whether a text can be a header value on every runtime: printable ASCII. Runtimes quote an invalid value in
 * their errors, so secrets are checked first.
 */
export function isHeaderText(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
