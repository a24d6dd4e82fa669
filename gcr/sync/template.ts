import { UsageError } from "../../src/errors.ts";

/** What a template may read: texts, or further values by name. */
export interface TemplateData {
  readonly [name: string]: string | undefined | TemplateData;
}

/** What the functions of templates read outside of the file. */
export interface TemplateWorld {
  /** Returns the value of an environment variable. */
  readonly environment: (name: string) => string | undefined;
  /** Reads a file as text. */
  readonly readFile: (path: string) => Promise<string>;
}

type Value = string | number | readonly string[] | TemplateData | undefined;

const FORMS =
  "gcrane runs {{ .Name.Name }}, and the functions default, env, file, index, join, lower, split, trimSpace and upper";

/**
 * Expands the templates in a text, as regsync writes them.
 *
 * @throws {UsageError} for one with another function or form.
 */
export async function expandTemplate(text: string, data: TemplateData, world: TemplateWorld): Promise<string> {
  let expanded = "";
  let end = 0;
  for (const { index, 0: whole, 1: before, 2: action, 3: after } of actionsOf(text)) {
    const plain = text.slice(end, index);
    expanded += before ? plain.trimEnd() : plain;
    const value = await new Action(action, whole, data, world).value();
    expanded += typeof value === "string" || typeof value === "number" ? value : refuse(whole, "has no text");
    end = index + whole.length;
    if (after) end += /^\s*/.exec(text.slice(end))![0].length;
  }
  return expanded + text.slice(end);
}

/** Checks that a text's templates have forms that can be expanded. @throws {UsageError} */
export function checkTemplate(text: string): void {
  for (const { 0: whole, 2: action } of actionsOf(text)) new Action(action, whole, {}, NO_WORLD);
}

const NO_WORLD: TemplateWorld = { environment: () => undefined, readFile: () => Promise.resolve("") };

/** Returns a pattern that matches every text that a template may become. */
export function templatePattern(text: string): RegExp {
  const escape = (plain: string) => plain.replace(/[.+*?^${}()|[\]\\\/-]/g, "\\$&");
  return new RegExp(`^${text.split(ACTION).filter((_, at) => at % 4 === 0).map(escape).join(".*")}$`);
}

const ACTION = /\{\{(- )?((?:[^"`}]|"(?:[^"\\]|\\.)*"|`[^`]*`|\}(?!\}))*?)( -)?\}\}/;

function actionsOf(text: string): RegExpExecArray[] {
  const found = [...text.matchAll(new RegExp(ACTION, "g"))];
  const rest = text.replace(new RegExp(ACTION, "g"), "");
  if (rest.includes("{{")) throw new UsageError(`${JSON.stringify(text)} has a template without an end`);
  return found;
}

function refuse(whole: string, problem: string): never {
  throw new UsageError(`the template ${whole} ${problem}`, { hint: FORMS });
}

const TOKEN = /\s+|"(?:[^"\\]|\\.)*"|`[^`]*`|\d+|\.[\w.]*|[A-Za-z_]\w*|[()|]|./gs;

/** A function that reads its arguments; the last one may come from a pipe. */
type Call = { readonly name: string; readonly args: readonly Expression[] };
type Expression = { readonly value: Value } | { readonly path: readonly string[] } | Call;

const ARGUMENTS: Readonly<Record<string, number>> = {
  default: 2,
  env: 1,
  file: 1,
  index: 2,
  join: 2,
  lower: 1,
  split: 2,
  trimSpace: 1,
  upper: 1,
};

/** One action of a template, `{{ … }}`. */
class Action {
  readonly #whole: string;
  readonly #tokens: string[];
  readonly #expression: Expression;
  readonly #data: TemplateData;
  readonly #world: TemplateWorld;

  constructor(text: string, whole: string, data: TemplateData, world: TemplateWorld) {
    this.#whole = whole;
    this.#data = data;
    this.#world = world;
    this.#tokens = (text.match(TOKEN) ?? []).filter((token) => token.trim() !== "");
    this.#expression = this.#pipeline();
    if (this.#tokens.length > 0) refuse(whole, `has ${this.#tokens[0]} where it should end`);
  }

  value(): Promise<Value> {
    return this.#evaluate(this.#expression);
  }

  #pipeline(): Expression {
    let expression = this.#command();
    while (this.#tokens[0] === "|") {
      this.#tokens.shift();
      expression = this.#command(expression);
    }
    return expression;
  }

  #command(piped?: Expression): Expression {
    const name = this.#tokens[0] ?? "";
    if (!/^[A-Za-z_]/.test(name)) {
      return piped === undefined ? this.#operand() : refuse(this.#whole, `has ${name || "nothing"} after |`);
    }
    this.#tokens.shift();
    const count = Object.hasOwn(ARGUMENTS, name)
      ? ARGUMENTS[name]
      : refuse(this.#whole, `uses ${name}, which gcrane does not run`);
    const args: Expression[] = [];
    while (this.#tokens.length > 0 && !["|", ")"].includes(this.#tokens[0])) args.push(this.#operand());
    if (piped !== undefined) args.push(piped);
    if (args.length !== count) refuse(this.#whole, `calls ${name} with ${args.length} arguments instead of ${count}`);
    return { name, args };
  }

  #operand(): Expression {
    const token = this.#tokens.shift() ?? refuse(this.#whole, "ends too early");
    if (token === "(") {
      const inner = this.#pipeline();
      if (this.#tokens.shift() !== ")") refuse(this.#whole, "has a parenthesis without an end");
      return inner;
    }
    if (token.startsWith('"')) {
      try {
        return { value: JSON.parse(token) };
      } catch {
        refuse(this.#whole, `has the text ${token}, which is not valid`);
      }
    }
    if (token.startsWith("`")) return { value: token.slice(1, -1) };
    if (/^\d+$/.test(token)) return { value: Number(token) };
    if (/^\.\w/.test(token)) return { path: token.slice(1).split(".") };
    return refuse(this.#whole, `has ${token}, which gcrane does not run`);
  }

  async #evaluate(expression: Expression): Promise<Value> {
    if ("value" in expression) return expression.value;
    if ("path" in expression) return this.#field(expression.path);
    const args: Value[] = [];
    for (const arg of expression.args) args.push(await this.#evaluate(arg));
    return await this.#call(expression.name, args);
  }

  #field(path: readonly string[]): Value {
    let value: Value = this.#data;
    for (const name of path) {
      const within: Value = value;
      value = typeof within === "object" && !Array.isArray(within) && Object.hasOwn(within, name)
        ? (within as TemplateData)[name]
        : refuse(this.#whole, `reads .${path.join(".")}, which gcrane does not have here`);
    }
    return value ?? "";
  }

  async #call(name: string, args: readonly Value[]): Promise<Value> {
    const text = (at: number): string => {
      const value = args[at];
      return typeof value === "string" ? value : refuse(this.#whole, `needs a text as argument ${at + 1} of ${name}`);
    };
    const list = (): readonly string[] => {
      const value = args[0];
      return Array.isArray(value) ? value : refuse(this.#whole, `needs a list for ${name}`);
    };
    switch (name) {
      case "default":
        return text(1) === "" ? text(0) : text(1);
      case "env":
        return this.#world.environment(text(0)) ??
          refuse(this.#whole, `needs the variable ${text(0)}, which is not set`);
      case "file":
        return (await this.#world.readFile(text(0))).trim();
      case "index":
        return list()[Number(args[1])] ?? refuse(this.#whole, `has no part ${args[1]}`);
      case "join":
        return list().join(text(1));
      case "lower":
        return text(0).toLowerCase();
      case "split":
        return text(0).split(text(1));
      case "trimSpace":
        return text(0).trim();
      default:
        return text(0).toUpperCase();
    }
  }
}
