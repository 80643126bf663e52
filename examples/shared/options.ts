import { parseArgs } from 'node:util';
import { message, UsageError } from './errors.js';

/** An option: what --help says of it, and how its value is made of the texts given (none for a flag). */
interface Option<T> {
  /** The name of the value in --help; a flag has none. */
  value?: string;
  about: string;
  read: (texts: string[], name: string) => T;
}

/** How a program is called, what it does, and its options by name: all that parsing and --help need. */
export interface Description<T> {
  usage: string;
  about: string;
  options: { [Name in keyof T]: Option<T[Name]> };
}

type Parse<T> = (text: string) => T;

const parsed = <T>(name: string, text: string, parse: Parse<T>): T => {
  try {
    return parse(text);
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`--${name} ${text}: ${error.message}`) : error;
  }
};

export const flag = (about: string): Option<boolean> => ({ about, read: (texts) => texts.length > 0 });

/** The last of the values given, or undefined. */
export const one = <T = string>(value: string, about: string, parse: Parse<T>): Option<T | undefined> => ({
  value,
  about,
  read: (texts, name) => texts.map((text) => parsed(name, text, parse)).at(-1),
});

/** All values given, or undefined. */
export const several = <T>(value: string, about: string, parse: Parse<T>): Option<T[] | undefined> => ({
  value,
  about,
  read: (texts, name) => (texts.length === 0 ? undefined : texts.map((text) => parsed(name, text, parse))),
});

export const text: Parse<string> = (given) => given;

export const oneOf =
  <T extends string>(allowed: readonly T[]): Parse<T> =>
  (given) => {
    const found = allowed.find((name) => name === given);
    if (found === undefined) throw new UsageError(`must be one of ${allowed.join(', ')}`);
    return found;
  };

export const positiveInteger: Parse<number> = (given) => {
  if (!/^[1-9]\d{0,5}$/.test(given)) throw new UsageError('must be a whole number from 1 to 999999');
  return Number(given);
};

/** The options of a command line, or 'help' if it asks for that. */
export const readOptions = <T extends object>({ options }: Description<T>, args: string[]): T | 'help' => {
  const entries = Object.entries(options) as [keyof T & string, Option<T[keyof T]>][];
  const types = entries.map(([name, { value }]) => [name, { type: value ? 'string' : 'boolean', multiple: true }]);
  const known = { ...Object.fromEntries(types), help: { type: 'boolean', short: 'h' } } as ParseOptions;
  const given = parse(args, known);
  if (given.help) return 'help';
  const texts = (name: string) => [given[name] ?? []].flat().map(String);
  return Object.fromEntries(entries.map(([name, option]) => [name, option.read(texts(name), name)])) as T;
};

export const helpOf = <T>({ usage, about, options }: Description<T>): string[] => {
  const entries = Object.entries<Option<unknown>>(options);
  const described = entries.map(([name, { value, about }]) => [value ? `--${name} ${value}` : `--${name}`, about]);
  const lines = [...described, ['--help', 'this text']].flatMap(([name, about]) => [
    `  ${name}`,
    ...about!.split('\n').map((line) => `      ${line}`),
  ]);
  return [`Usage: ${usage}`, '', ...about.split('\n'), '', ...lines];
};

type ParseOptions = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>['options']>;

const parse = (args: string[], options: ParseOptions) => {
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    const names = Object.keys(options).map((name) => `--${name}`);
    throw new UsageError(`${complaint(message(error))}; the options are ${names.join(', ')}`);
  }
};

/** The complaint of parseArgs, in one line. */
const complaint = (text: string) => {
  const withoutValue = /^Option '(?:-\w, )?(--\w+).*(missing|ambiguous)/.exec(text);
  return withoutValue ? `${withoutValue[1]} needs a value` : text.split(/\. |\n/)[0];
};
