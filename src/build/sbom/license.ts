/** Licences of SPDX's list that packages of JavaScript have. */
const LICENSES = new Set(
  `0BSD AFL-2.1 AFL-3.0 AGPL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-1.1 Apache-2.0 Artistic-2.0 BlueOak-1.0.0
  BSD-1-Clause BSD-2-Clause BSD-2-Clause-Patent BSD-3-Clause BSD-3-Clause-Clear BSD-4-Clause BSL-1.0 BUSL-1.1
  CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CC0-1.0 CDDL-1.0 CDDL-1.1 CECILL-2.1 CPAL-1.0 CPL-1.0 ECL-2.0
  Elastic-2.0 EPL-1.0 EPL-2.0 EUPL-1.1 EUPL-1.2 FSFAP FTL GFDL-1.3 GPL-1.0 GPL-2.0 GPL-2.0-only GPL-2.0-or-later
  GPL-3.0 GPL-3.0-only GPL-3.0-or-later HPND ICU IJG ISC JSON LGPL-2.0 LGPL-2.1 LGPL-2.1-only LGPL-2.1-or-later
  LGPL-3.0 LGPL-3.0-only LGPL-3.0-or-later Libpng libtiff MIT MIT-0 MPL-1.1 MPL-2.0 MS-PL MulanPSL-2.0 NCSA OFL-1.1
  OpenSSL OSL-3.0 PHP-3.01 PostgreSQL PSF-2.0 Python-2.0 Ruby SSPL-1.0 UPL-1.0 Unicode-3.0 Unicode-DFS-2016 Unlicense
  Vim W3C W3C-20150513 WTFPL X11 Zlib ZPL-2.1`.split(/\s+/),
);

/** Exceptions of SPDX's list that stand after WITH. */
const EXCEPTIONS = new Set([
  "Bison-exception-2.2",
  "Classpath-exception-2.0",
  "Font-exception-2.0",
  "GCC-exception-2.0",
  "GCC-exception-3.1",
  "LLVM-exception",
  "OpenSSL-exception",
  "Universal-FOSS-exception-1.0",
]);

/** What package.json's `license` is: an identifier of SPDX's list, an expression of such, or another text. */
export type License = { id: string } | { expression: string } | { name: string };

/** Reads a `license` of package.json; `undefined` if it has no licence. */
export function parseLicense(text: string | undefined): License | undefined {
  const clean = text?.trim();
  if (!clean || clean === "UNLICENSED") return undefined;
  if (LICENSES.has(clean)) return { id: clean };
  const tokens = clean.match(/\(|\)|[^\s()]+/g) ?? [];
  return new Expression(tokens).isValid() ? { expression: clean } : { name: clean };
}

/** Checks an expression: licences with AND, OR, WITH and parentheses. */
class Expression {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  isValid(): boolean {
    return this.#list() && this.#at === this.#tokens.length;
  }

  #list(): boolean {
    if (!this.#term()) return false;
    while (["AND", "OR"].includes(this.#tokens[this.#at])) {
      this.#at++;
      if (!this.#term()) return false;
    }
    return true;
  }

  #term(): boolean {
    const token = this.#tokens[this.#at++];
    if (token === "(") return this.#list() && this.#tokens[this.#at++] === ")";
    if (token === undefined || !LICENSES.has(token.replace(/\+$/, ""))) return false;
    if (this.#tokens[this.#at] !== "WITH") return true;
    this.#at += 2;
    return EXCEPTIONS.has(this.#tokens[this.#at - 1]);
  }
}
