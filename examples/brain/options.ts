import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type BackendName, BACKENDS } from '../shared/backend.js';
import { message, UsageError } from '../shared/errors.js';
import { LOSS_NAMES, type LossName } from './losses.js';

/** What the command line asked for; undefined is left to the plan. */
export interface Options {
  data?: string;
  labels?: string;
  annotators?: number;
  losses?: LossName[];
  epochs?: number;
  backend: BackendName;
  out: string;
}

const FLAGS = {
  data: { type: 'string' },
  labels: { type: 'string' },
  annotators: { type: 'string' },
  loss: { type: 'string', multiple: true },
  epochs: { type: 'string' },
  backend: { type: 'string' },
  out: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

export const HELP = `Usage: npm run demo -- [options]

Trains a small U-Net with several losses, on the brain slices that come with the example or on images of your own.
It writes a table, a picture and results.json.

  --data DIR       train on your own folder: DIR/images and DIR/masks (0 and 255), DIR/labels (class numbers) or
                   DIR/votes (number of annotators who marked the pixel), one file an image, matched by name
  --labels NAME    which label folder, if DIR has several; its name starts with masks, labels or votes
  --annotators N   how many annotators voted (default: columns file and annotators of DIR/manifest.csv)
  --loss NAME      repeat it for several, or 'all' (default: all, with --data cross-entropy+metric-iou).
                   One of ${LOSS_NAMES.join(', ')}
  --epochs N       passes over the training images (default 40; fewer without the native backend)
  --backend NAME   ${BACKENDS.join(', ')} (default auto: native, or wasm where that cannot be had)
  --out DIR        where picture.png and results.json go (default examples/brain/out)
  --help           this text
`;

const positive = (flag: string, text: string | undefined) => {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new UsageError(`--${flag} ${text}: must be a whole number from 1 to 999999`);
  return Number(text);
};

const oneOf = <T extends string>(flag: string, value: string, allowed: readonly T[]): T => {
  if (!(allowed as readonly string[]).includes(value)) {
    throw new UsageError(`--${flag} ${value}: must be one of ${allowed.join(', ')}`);
  }
  return value as T;
};

const chosenLosses = (names: string[] | undefined) => {
  if (!names) return undefined;
  const chosen = new Set(names.map((name) => oneOf('loss', name, [...LOSS_NAMES, 'all'] as const)));
  return LOSS_NAMES.filter((name) => chosen.has(name) || chosen.has('all'));
};

/** What parseArgs complains about, in one line. */
const complaint = (text: string) => {
  const withoutValue = /^Option '(?:-\w, )?(--\w+).*(missing|ambiguous)/.exec(text);
  return withoutValue ? `${withoutValue[1]} needs a value` : text.split(/\. |\n/)[0];
};

const parse = (args: string[]) => {
  try {
    return parseArgs({ args, options: FLAGS }).values;
  } catch (error) {
    const flags = Object.keys(FLAGS).map((flag) => `--${flag}`);
    throw new UsageError(`${complaint(message(error))}; the options are ${flags.join(', ')}`);
  }
};

/** The options of a command line, or 'help'. */
export const readOptions = (args: string[]): Options | 'help' => {
  const flags = parse(args);
  if (flags.help) return 'help';
  for (const flag of ['labels', 'annotators'] as const) {
    if (flags[flag] !== undefined && flags.data === undefined) throw new UsageError(`--${flag} needs --data`);
  }
  return {
    data: flags.data,
    labels: flags.labels,
    annotators: positive('annotators', flags.annotators),
    losses: chosenLosses(flags.loss),
    epochs: positive('epochs', flags.epochs),
    backend: oneOf('backend', flags.backend ?? 'auto', BACKENDS),
    out: flags.out ?? fileURLToPath(new URL('../../brain/out', import.meta.url)),
  };
};
