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

const DESCRIPTION: Description<Flags> = {
  usage: 'npm run demo -- [options]',
  about:
    'Trains a small U-Net with several losses, on the bundled brain slices or on your own images.\n' +
    'It prints tables, and writes a picture and results.json.',
  options: {
    data: one(
      'DIR',
      'train on your own folder: DIR/images and DIR/masks (0 and 255), DIR/labels (class numbers) or\n' +
        'DIR/votes (number of annotators who marked the pixel), one file per image, matched by name',
      text,
    ),
    labels: one('NAME', 'which label folder, if DIR has several; its name starts with masks, labels or votes', text),
    annotators: one(
      'N',
      'how many annotators voted (default: columns file and annotators of DIR/manifest.csv)',
      positiveInteger,
    ),
    loss: several(
      'NAME',
      "repeat it for several, or 'all' (default: all, with --data cross-entropy+metric-iou).\n" +
        `One of ${LOSS_NAMES.join(', ')}`,
      oneOf([...LOSS_NAMES, 'all'] as const),
    ),
    epochs: one(
      'N',
      'passes over the training images (default: 40; fewer without the native backend)',
      positiveInteger,
    ),
    backend: one(
      'NAME',
      `${BACKENDS.join(', ')} (default auto: native, or wasm if native is not available)`,
      oneOf(BACKENDS),
    ),
    out: one('DIR', 'folder for picture.png and results.json (default: examples/brain/out)', text),
  },
};

export const help = (): string[] => helpOf(DESCRIPTION);

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
