import { Scanner } from "./scanner.ts";

/** One authentication method that a server asks for (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** The scheme in lower case: `basic`, `bearer`, … */
  readonly scheme: string;
  /** The parameters that have a value, with names in lower case. The last value of a repeated name is used. */
  readonly parameters: Readonly<Record<string, string>>;
}

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const PARAMETER = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]*))/y;
const SEPARATORS = /[ \t,]*/y;
const ANYTHING = /./sy;

/**
 * Reads the values of `WWW-Authenticate`. One value may hold several challenges, since `fetch` joins repeated headers.
 * Skips parts that are not valid.
 */
export function parseChallenges(values: Iterable<string>): Challenge[] {
  return [...values].flatMap(parseValue);
}

/** Returns the first challenge that this package can answer: basic or bearer. */
export function answerableChallenge(challenges: readonly Challenge[]): Challenge | undefined {
  return challenges.find(({ scheme }) => scheme === "basic" || scheme === "bearer");
}

/** Returns the challenges of a response. */
export function responseChallenges(response: Response): Challenge[] {
  const value = response.headers.get("www-authenticate");
  return value === null ? [] : parseChallenges([value]);
}

/**
 * Returns the challenge to answer after a 401: the first that this package can answer, or Basic if the server names no
 * challenge at all, as some do that accept Basic.
 */
export function demandedChallenge(response: Response): Challenge | undefined {
  if (!response.headers.has("www-authenticate")) return { scheme: "basic", parameters: {} };
  return answerableChallenge(responseChallenges(response));
}

function parseValue(text: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  const header = new Scanner(text);
  while (true) {
    header.take(SEPARATORS);
    if (header.isAtEnd) return challenges;
    const parameter = challenges.length > 0 ? header.take(PARAMETER) : null;
    if (parameter) {
      const [, name, quoted, bare] = parameter;
      const value = quoted !== undefined ? quoted.replace(/\\(.)/g, "$1") : bare;
      if (value !== "") challenges.at(-1)!.parameters[name.toLowerCase()] = value;
      continue;
    }
    const scheme = header.take(TOKEN);
    if (scheme) challenges.push({ scheme: scheme[0].toLowerCase(), parameters: {} });
    else header.take(ANYTHING);
  }
}
