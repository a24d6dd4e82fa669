/** A terminal that understands the little that bars need: it keeps what would be seen. */
export class Screen {
  #columns: number;
  #lines: string[] = [""];
  #row = 0;
  #column = 0;

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** What is seen, without empty lines at the end. */
  get text(): string {
    return this.#lines.map((line) => line.trimEnd()).join("\n").trimEnd();
  }

  write(text: string): void {
    // deno-lint-ignore no-control-regex
    for (const [token, count, kind] of text.matchAll(/\x1b\[(\d*)([A-Z])|[^]/gu)) {
      if (kind !== undefined) this.#control(kind, Number(count || 1), token);
      else if (token === "\n") this.#moveTo(this.#row + 1, 0);
      else if (token === "\r") this.#column = 0;
      else this.#put(token);
    }
  }

  /** Makes the terminal narrower: what is too long wraps. */
  resize(columns: number): void {
    this.#columns = columns;
    const above = this.#lines.slice(0, this.#row).flatMap((line) => this.#wrapped(line));
    const below = this.#lines.slice(this.#row).flatMap((line) => this.#wrapped(line));
    this.#lines = [...above, ...below];
    this.#row = above.length;
  }

  #wrapped(line: string): string[] {
    const parts = line.match(new RegExp(`.{1,${this.#columns}}`, "gu"));
    return parts === null ? [""] : [...parts];
  }

  #control(kind: string, count: number, token: string): void {
    if (kind === "A") this.#row = Math.max(0, this.#row - count);
    else if (kind === "K") this.#cut();
    else if (kind === "J") {
      this.#cut();
      this.#lines.length = this.#row + 1;
    } else throw new Error(`unknown control ${JSON.stringify(token)}`);
  }

  #cut(): void {
    this.#lines[this.#row] = this.#lines[this.#row].slice(0, this.#column);
  }

  #put(character: string): void {
    if (this.#column >= this.#columns) this.#moveTo(this.#row + 1, 0);
    const line = this.#lines[this.#row].padEnd(this.#column);
    this.#lines[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
    this.#column++;
  }

  #moveTo(row: number, column: number): void {
    while (this.#lines.length <= row) this.#lines.push("");
    [this.#row, this.#column] = [row, column];
  }
}
