import { AuthError } from "../../errors.ts";
import { isObject } from "../../io/mod.ts";
import { askText, secretUrl } from "../ask_server.ts";
import { type Fields, optionalTextField, parseFields, textField } from "../fields.ts";
import type { CredentialContext } from "./access_token.ts";
import { awsSubjectToken } from "./aws_subject_token.ts";

/** Returns the token of another cloud from the file's `credential_source`: a file, a URL or AWS. */
export async function subjectToken(key: Fields, context: CredentialContext): Promise<string> {
  const { source: path, surroundings } = context;
  const from = key.credential_source;
  const source = `${path}: "credential_source"`;
  if (!isObject(from)) throw new AuthError(`${source} is missing`);
  if (optionalTextField(from, "environment_id", source) !== undefined) {
    return await awsSubjectToken(from, { surroundings, source, audience: textField(key, "audience", path) });
  }
  const file = optionalTextField(from, "file", source);
  if (file !== undefined) return formatted(await fileText(file, source, context), from, file);
  const url = optionalTextField(from, "url", source);
  if (url !== undefined) {
    const who = "the identity provider";
    const headers = headersOf(from, source);
    const question = { who, url: secretUrl(url, `${source}: "url"`), headers, secrets: Object.values(headers) };
    return formatted(await askText(question, surroundings), from, `the answer of ${who}`);
  }
  throw new AuthError(`${source} is neither a file nor a URL nor AWS`, {
    hint: "make the file again with --credential-source-file, --credential-source-url or --aws",
  });
}

async function fileText(file: string, source: string, { surroundings }: CredentialContext): Promise<string> {
  const text = await surroundings.readFile(file);
  if (text === undefined) throw new AuthError(`${source} names ${file}, which is not there`);
  return text;
}

/** Extracts the token: the whole text, or a field of it. */
function formatted(text: string, from: Fields, source: string): string {
  const format = isObject(from.format) ? from.format : {};
  const type = optionalTextField(format, "type", `the format of ${source}`) ?? "text";
  if (type !== "text" && type !== "json") throw new AuthError(`the format of ${source} is neither "text" nor "json"`);
  const token = type === "text" ? text.trim() : textField(
    parseFields(text, source),
    textField(format, "subject_token_field_name", `the format of ${source}`),
    source,
  );
  if (token === "") throw new AuthError(`${source} is empty`);
  return token;
}

function headersOf(from: Fields, source: string): Record<string, string> {
  const headers = isObject(from.headers) ? from.headers : {};
  return Object.fromEntries(
    Object.keys(headers).map((name) => [name, textField(headers, name, `${source}: "headers"`)]),
  );
}
