import { fileURLToPath } from 'node:url';
import { type BackendName, BACKENDS } from '../shared/backend.js';
import { UsageError } from '../shared/errors.js';
import {
  type Description,
  helpOf,
  one,
  oneOf,
  positiveInteger,
  readOptions,
  several,
  text,
} from '../shared/options.js';
import { LOSS_NAMES, type LossName } from './losses.js';

/** The options of the command line; the plan decides those that are undefined. */
export interface Options {
  data?: string;
  labels?: string;
  annotators?: number;
  losses?: LossName[];
  epochs?: number;
  backend: BackendName;
  out: string;
}

interface Flags {
  data?: string;
  labels?: string;
  annotators?: number;
  loss?: (LossName | 'all')[];
  epochs?: number;
  backend?: BackendName;
  out?: string;
}

export const HELP = `Usage: npm run demo -- [options]

Trains a small U-Net with several losses, on the brain slices that come with the example or on images of your own.
It prints tables, and writes a picture and results.json.

  --data DIR       train on your own folder: DIR/images and DIR/masks (0 and 255), DIR/labels (class numbers) or
                   DIR/votes (number of annotators who marked the pixel), one file per image, matched by name
  --labels NAME    which label folder, if DIR has several; its name starts with masks, labels or votes
  --annotators N   how many annotators voted (default: columns file and annotators of DIR/manifest.csv)
  --loss NAME      repeat it for several, or 'all' (default: all; with --data cross-entropy+metric-iou).
                   One of ${LOSS_NAMES.join(', ')}
  --epochs N       passes over the training images (default 40; fewer without the native backend)
  --backend NAME   ${BACKENDS.join(', ')} (default auto: native, or wasm if native is not available)
  --out DIR        the folder for picture.png and results.json (default examples/brain/out)
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

/** The complaint of parseArgs in one line. */
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
export const demoOptions = (args: string[]): Options | 'help' => {
  const flags = readOptions(DESCRIPTION, args);
  if (flags === 'help') return 'help';
  for (const name of ['labels', 'annotators'] as const) {
    if (flags[name] !== undefined && flags.data === undefined) throw new UsageError(`--${name} needs --data`);
  }
  const { loss: chosen, backend = 'auto', out, ...others } = flags;
  return {
    ...others,
    losses: chosen && LOSS_NAMES.filter((name) => chosen.includes(name) || chosen.includes('all')),
    backend,
    out: out ?? fileURLToPath(new URL('../../brain/out', import.meta.url)),
  };
};
