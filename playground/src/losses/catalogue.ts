/** Every loss of the package with the options that mean something for it. */
import * as softseg from 'softseg';

export const LOSSES = [
  'comboLoss',
  'iouLoss',
  'diceLoss',
  'tverskyLoss',
  'generalizedDiceLoss',
  'logCoshDiceLoss',
  'mccLoss',
  'crossEntropyLoss',
  'binaryCrossEntropyLoss',
  'focalLoss',
  'unifiedFocalLoss',
  'lovaszSoftmaxLoss',
  'lovaszHingeLoss',
  'boundaryLoss',
  'hausdorffLoss',
  'clDiceLoss',
  'deepSupervisionLoss',
] as const satisfies readonly (keyof typeof softseg)[];

export type LossName = (typeof LOSSES)[number];
type Value = string | number | boolean;
export type Settings = Record<string, Value>;

/** Set by the activation, which some options depend on. */
export const ACTIVATIONS = ['sigmoid', 'softmax', 'none', 'sparsemax', 'entmax15'] as const;
export type Activation = (typeof ACTIVATIONS)[number];

interface Named {
  name: string;
  label?: string;
  /** Whether it means something beside the others. */
  when?: (settings: Settings) => boolean;
}
interface ChoiceOption extends Named {
  kind: 'choice';
  /** The first is the default and is left out of the code. */
  values: readonly string[];
}
interface NumberOption extends Named {
  kind: 'number';
  min: number;
  max: number;
  step: number;
  /** The default, left out of the code. */
  value: number;
}
interface FlagOption extends Named {
  kind: 'flag';
}
export type Option = ChoiceOption | NumberOption | FlagOption;

export interface Entry {
  name: LossName;
  /** When to use it. */
  about: string;
  activations: readonly Activation[];
  options: readonly Option[];
  /** It has no option activation: what is chosen is only how many classes the painted image has. */
  classesOnly?: boolean;
  /** Waits for tensors to be read back, which WebGPU cannot. */
  readsBack?: boolean;
}

const number = (name: string, value: number, min: number, max: number, step: number, more = {}): NumberOption => ({
  kind: 'number',
  name,
  value,
  min,
  max,
  step,
  ...more,
});
const oneOf = (name: string, ...values: string[]): ChoiceOption => ({ kind: 'choice', name, values });
const flag = (name: string, when?: Named['when'], label = name): FlagOption => ({ kind: 'flag', name, when, label });

const sharpness = number('sharpness', 1, 0.25, 8, 0.25, {
  when: ({ activation }: Settings) => activation === 'sigmoid' || activation === 'softmax',
});
const absent = oneOf('absent', 'default', 'skip', 'penalize', 'smooth');
const aggregate = oneOf('aggregate', 'image', 'batch');
const overlap = oneOf('overlap', 'metric', 'product');
const smooth = number('smooth', 0, 0, 10, 0.5);
const region = [sharpness, overlap, absent, aggregate, smooth];
const hardest = number('hardest', 1, 0.05, 1, 0.05);
const labelSmoothing = number('labelSmoothing', 0, 0, 0.5, 0.05);
const binary = ({ activation }: Settings) => activation === 'sigmoid';

const weight = (term: string, value: number) =>
  number(`weights.${term}`, value, 0, 2, 0.1, { label: `weight of ${term}` });
const weighted =
  (...terms: string[]) =>
  (settings: Settings) =>
    terms.some((term) => Number(settings[`weights.${term}`]) > 0);
const overRegions = weighted('iou', 'dice');

const logits = ['sigmoid', 'softmax'] as const;

const ENTRIES: readonly Entry[] = [
  {
    name: 'comboLoss',
    about: 'The one to start with: IoU beside cross-entropy, or any weights of the others, from one pass.',
    activations: ACTIVATIONS,
    options: [
      weight('iou', 1),
      weight('crossEntropy', 1),
      weight('dice', 0),
      weight('focal', 0),
      weight('lovaszSoftmax', 0),
      weight('clDice', 0),
      sharpness,
      { ...overlap, when: overRegions },
      { ...aggregate, when: overRegions },
      { ...smooth, when: overRegions },
      { ...labelSmoothing, when: weighted('crossEntropy') },
    ],
  },
  {
    name: 'iouLoss',
    about: 'Training for the IoU itself; small structures.',
    activations: ACTIVATIONS,
    options: region,
  },
  {
    name: 'diceLoss',
    about: 'The same for Dice. The product form is the classic one, which rounds soft labels.',
    activations: ACTIVATIONS,
    options: [...region, flag('squared'), flag('log')],
  },
  {
    name: 'tverskyLoss',
    about: 'When false pixels (alpha) and missed ones (beta) should cost differently; gamma makes it focal.',
    activations: ACTIVATIONS,
    options: [
      number('alpha', 0.5, 0, 1, 0.05),
      number('beta', 0.5, 0, 1, 0.05),
      number('gamma', 1, 0.25, 3, 0.25),
      ...region,
    ],
  },
  {
    name: 'generalizedDiceLoss',
    about: 'Classes weigh the more the rarer they are.',
    activations: ACTIVATIONS,
    options: [oneOf('weighting', 'square', 'simple', 'uniform'), ...region],
  },
  {
    name: 'logCoshDiceLoss',
    about: 'Dice with a gradient that fades near the optimum.',
    activations: ACTIVATIONS,
    options: [flag('squared'), ...region],
  },
  {
    name: 'mccLoss',
    about: 'Matthews correlation: background counts like foreground.',
    activations: ACTIVATIONS,
    options: region,
  },
  {
    name: 'crossEntropyLoss',
    about: 'Calibrated probabilities; every pixel counts the same.',
    activations: ACTIVATIONS,
    options: [sharpness, labelSmoothing, flag('subtractEntropy'), hardest],
  },
  {
    name: 'binaryCrossEntropyLoss',
    about: 'One class, or classes that may overlap.',
    activations: ['sigmoid', 'none'],
    options: [
      sharpness,
      labelSmoothing,
      number('posWeight', 1, 0.25, 10, 0.25, { when: ({ subtractEntropy }: Settings) => !subtractEntropy }),
      flag('subtractEntropy', ({ posWeight }) => Number(posWeight) === 1),
      hardest,
    ],
  },
  {
    name: 'focalLoss',
    about: 'When easy pixels outnumber hard ones by far: pixels that are nearly right hardly count.',
    activations: ACTIVATIONS,
    options: [
      number('gamma', 2, 0, 5, 0.25),
      flag('balance', binary, 'balance by alpha'),
      number('alpha', 0.5, 0.05, 0.95, 0.05, { when: (s: Settings) => binary(s) && Boolean(s['balance']) }),
      sharpness,
      hardest,
    ],
  },
  {
    name: 'unifiedFocalLoss',
    about: 'Focal cross-entropy beside focal Tversky, with one set of parameters.',
    activations: ACTIVATIONS,
    options: [
      number('lambda', 0.5, 0, 1, 0.05),
      number('delta', 0.6, 0.05, 0.95, 0.05),
      number('gamma', 0.5, 0.05, 1, 0.05),
      ...region,
    ],
  },
  {
    name: 'lovaszSoftmaxLoss',
    about: 'Fine-tuning for the IoU of the thresholded prediction.',
    activations: ACTIVATIONS,
    options: [sharpness, aggregate, oneOf('classes', 'default', 'present', 'all')],
  },
  {
    name: 'lovaszHingeLoss',
    about: 'The same on logits with a margin. It takes hard labels: soft ones count as 1 above a half.',
    activations: logits,
    options: [number('sharpness', 1, 0.25, 8, 0.25), aggregate, oneOf('classes', 'all', 'present')],
    classesOnly: true,
  },
  {
    name: 'boundaryLoss',
    about: 'Beside a region loss: errors far from the border cost most. It can be negative.',
    activations: ACTIVATIONS,
    options: [sharpness],
    readsBack: true,
  },
  {
    name: 'hausdorffLoss',
    about: 'Beside a region loss: the squared error times the distance from both borders.',
    activations: ACTIVATIONS,
    options: [number('alpha', 2, 0.5, 3, 0.25), sharpness],
    readsBack: true,
  },
  {
    name: 'clDiceLoss',
    about: 'Beside a region loss: for vessels and other tubes whose connections matter.',
    activations: ACTIVATIONS,
    options: [number('iterations', 3, 0, 10, 1), number('smooth', 1, 0, 10, 0.5), absent, sharpness],
  },
  {
    name: 'deepSupervisionLoss',
    about:
      'A loss at several scales. Here: the prediction itself, and its average at a half and a quarter of the size.',
    activations: logits,
    options: [
      oneOf('loss', 'comboLoss', 'diceLoss', 'iouLoss', 'crossEntropyLoss'),
      oneOf('resize', 'average', 'nearest'),
    ],
    classesOnly: true,
  },
];

export const CATALOGUE = Object.fromEntries(ENTRIES.map((entry) => [entry.name, entry])) as Record<LossName, Entry>;

/** The settings of a loss that nobody has touched. */
export function defaults({ options, activations }: Entry, activation: Activation = 'sigmoid'): Settings {
  const settings: Settings = { activation: activations.includes(activation) ? activation : activations[0]! };
  for (const option of options) {
    settings[option.name] =
      option.kind === 'choice' ? option.values[0]! : option.kind === 'number' ? option.value : false;
  }
  return settings;
}

export interface Spec {
  name: LossName;
  settings: Settings;
}
