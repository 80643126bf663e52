// The command line of the scripts, the benchmark and the fuzzer. One description of the options gives their values, the
// text of --help, and one clear line with exit code 2 for a wrong call.
import { parseArgs } from 'node:util';

/** A mistake in how a program was called. */
export class UsageError extends Error {}

/**
 * The options of a command line, by name. `--help` prints the description and ends the process; a wrong call throws a
 * UsageError.
 *
 * The description has `usage` (how the program is called), `about` (what it does), and `options`. Each option has an
 * `about`, too. An option without `value` is a flag; otherwise `value` is the name that --help gives to its value.
 * `parse` converts the text to the value, or throws a UsageError that says what the text must be. With `list` the
 * option may be repeated, and each text may hold several values between commas; `parse` gets them one by one.
 * `default` is the value of an option that is not given. `rest`, with a `name` and an `about`, allows one more
 * argument, which is called `rest` in the result.
 */
export function readOptions(description, args = process.argv.slice(2)) {
  const { values, positionals } = parsed(description, args);
  if (values.help) {
    process.stdout.write(helpOf(description));
    process.exit(0);
  }
  if (positionals.length > 1) throw new UsageError(`unexpected argument '${positionals[1]}'`);
  const { options = {} } = description;
  const entries = Object.entries(options).map(([name, option]) => [name, valueOf(name, option, values[name])]);
  return { ...Object.fromEntries(entries), ...(description.rest && { rest: positionals[0] }) };
}

/** The same for a script that has nothing to clean up: a wrong call ends the process. */
export function commandLine(description) {
  try {
    return readOptions(description);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    process.exit(2);
  }
}

function parsed({ options = {}, rest }, args) {
  const types = Object.entries(options).map(([name, { value, list = false }]) => [
    name,
    { type: value ? 'string' : 'boolean', multiple: list },
  ]);
  const known = { ...Object.fromEntries(types), help: { type: 'boolean', short: 'h' } };
  try {
    return parseArgs({ args, options: known, allowPositionals: rest !== undefined });
  } catch (error) {
    const names = Object.keys(known).map((name) => `--${name}`);
    throw new UsageError(`${complaint(error.message)}; the options are ${names.join(', ')}`, { cause: error });
  }
}

/** The complaint of parseArgs in one line. */
function complaint(message) {
  const lacksValue = /^Option '(?:-\w, )?(--[\w-]+).*(missing|ambiguous)/.exec(message);
  return lacksValue ? `${lacksValue[1]} needs a value` : message.split(/\. |\n/)[0];
}

function valueOf(name, { value, list, parse = (text) => text, default: otherwise }, given) {
  if (given === undefined) return value ? otherwise : false;
  if (!value) return given;
  const make = (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      throw new UsageError(`--${name} ${text}: ${error.message}`, { cause: error });
    }
  };
  if (!list) return make(given);
  return [...new Set(given.flatMap((texts) => texts.split(',').map((text) => text.trim())))].map(make);
}

function helpOf({ usage, about, options = {}, rest }) {
  const described = Object.entries(options).map(([name, { value, about, default: otherwise }]) => [
    value ? `--${name} ${value}` : `--${name}`,
    otherwise === undefined ? about : `${about} (default: ${otherwise})`,
  ]);
  const all = [...(rest ? [[rest.name, rest.about]] : []), ...described, ['--help', 'this text']];
  return [`Usage: ${usage}\n`, `${about}\n`, ...all.map(([name, text]) => `  ${name}\n      ${text}`), ''].join('\n');
}

// -------------------------------------------------------------------------------------------------- values of options

export const wholeNumber = (from, to) => (text) => {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < from || number > to) {
    throw new UsageError(`must be a whole number from ${from} to ${to}`);
  }
  return number;
};

export const positiveNumber = (text) => {
  const number = Number(text);
  if (!(number > 0 && number < Infinity)) throw new UsageError('must be a number above 0');
  return number;
};

export const oneOf = (allowed) => (text) => {
  if (!allowed.includes(text)) throw new UsageError(`must be one of ${allowed.join(', ')}`);
  return text;
};
