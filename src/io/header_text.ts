/**
 * Returns whether a header carries a text as it is, on every runtime: printable ASCII. The errors of runtimes repeat
 * what is not, so secrets are checked before.
 */
export function isHeaderText(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
