import { URL, fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BACKENDS, LOSSES, SHAPES } from './cases.js';

/** A mistake in how the benchmark was called: one line, exit code 2. */
export class UsageError extends Error {}

const FLAGS = {
  quick: { type: 'boolean' },
  backend: { type: 'string', multiple: true },
  shape: { type: 'string', multiple: true },
  loss: { type: 'string', multiple: true },
  repeats: { type: 'string' },
  out: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
};

export const HELP = `Usage: npm run bench -- [options]

Times forward + backward of softseg's losses beside plain tfjs ops and PyTorch, the runs taking turns. It prints tables
and writes their numbers (json) and a picture (svg).

  --quick          a small selection on all backends, within a minute
  --backend LIST   of ${BACKENDS.join(',')} (default: all)
  --shape LIST     [N,...spatial,C] with x between the sizes, separated by commas, any number of spatial axes
                   (default: ${SHAPES.map((shape) => shape.join('x')).join(',')})
  --loss LIST      of ${LOSSES.join(',')} (default: all)
  --repeats N      the most runs of one entry; entries that take long get fewer (default 40, with --quick 10)
  --out DIR        where the files go (default bench/results)
  --help           this text

PyTorch is that of the environment variable SOFTSEG_PYTHON, or else of python3.
`;

/** The options of a command line, or 'help'; what was not asked for is undefined. */
export function readOptions(args) {
  const flags = parse(args);
  if (flags.help) return 'help';
  return {
    quick: flags.quick ?? false,
    backends: chosen('backend', flags.backend, BACKENDS),
    losses: chosen('loss', flags.loss, LOSSES),
    shapes: list(flags.shape)?.map(shapeOf),
    repeats: repeatsOf(flags.repeats),
    out: flags.out ?? fileURLToPath(new URL('results', import.meta.url)),
  };
}

function parse(args) {
  try {
    return parseArgs({ args, options: FLAGS }).values;
  } catch (error) {
    const names = Object.keys(FLAGS).map((name) => `--${name}`);
    throw new UsageError(`${error.message.split(/\. |\n/)[0]}; the options are ${names.join(', ')}`);
  }
}

function list(texts) {
  return texts && [...new Set(texts.flatMap((text) => text.split(',').map((part) => part.trim())))];
}

function chosen(flag, texts, allowed) {
  const names = list(texts);
  const unknown = names?.find((name) => !allowed.includes(name));
  if (unknown !== undefined) throw new UsageError(`--${flag} ${unknown}: must be one of ${allowed.join(', ')}`);
  return names && allowed.filter((name) => names.includes(name));
}

function shapeOf(text) {
  const shape = text.split('x').map(Number);
  if (!/^\d+(x\d+){2,}$/.test(text) || shape.some((size) => size < 1)) {
    throw new UsageError(`--shape ${text}: must be like 8x256x256x4`);
  }
  return shape;
}

function repeatsOf(text) {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new UsageError(`--repeats ${text}: must be a whole number from 1 to 9999`);
  return Number(text);
}
