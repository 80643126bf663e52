/** Every loss of the package, with the options that the page offers for it. */
import * as softseg from 'softseg';
import type { Described, NumberRule, OptionRule } from 'softseg';

/** The losses that describe themselves, and deepSupervisionLoss, which wraps another loss. */
export type LossName =
  | { [K in keyof typeof softseg]: (typeof softseg)[K] extends Described ? K : never }[keyof typeof softseg]
  | 'deepSupervisionLoss';
type Value = string | number | boolean;
export type Settings = Record<string, Value>;

/** The values of the setting `activation`, on which some options depend. */
export const ACTIVATIONS = ['sigmoid', 'softmax', 'none', 'sparsemax', 'entmax15'] as const;
export type Activation = (typeof ACTIVATIONS)[number];

interface Named {
  name: string;
  label?: string;
  /** Returns true if the option has an effect, given the other settings. Default: always. */
  when?: (settings: Settings) => boolean;
}
interface ChoiceOption extends Named {
  kind: 'choice';
  /** The first value is the default, which is left out of the code. */
  values: readonly string[];
}
interface NumberOption extends Named {
  kind: 'number';
  min: number;
  max: number;
  step: number;
  /** The default, which is left out of the code. */
  value: number;
}
interface FlagOption extends Named {
  kind: 'flag';
}
export type Option = ChoiceOption | NumberOption | FlagOption;

export interface Entry {
  name: LossName;
  /** A note for this page, in addition to the text from the loss's page in docs. */
  note?: string;
  activations: readonly Activation[];
  options: readonly Option[];
  /**
   * True if the loss has no option `activation`. The page then offers only the number of classes of the painted image.
   */
  classesOnly?: boolean;
  /** True if the loss reads tensors back synchronously, which is not possible on WebGPU. */
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

// ---------------------------------------------------------------------------------------- from what losses describe

/** The range and step of sliders, except where the rule of the option allows only a smaller range. */
const SLIDERS: Readonly<Record<string, readonly [min: number, max: number, step: number]>> = {
  sharpness: [0.25, 8, 0.25],
  smooth: [0, 10, 0.5],
  alpha: [0, 1, 0.05],
  beta: [0, 1, 0.05],
  gamma: [0.25, 3, 0.25],
  iterations: [0, 10, 1],
  labelSmoothing: [0, 0.5, 0.05],
};
/** The step of all other sliders, as a share of their range. */
const SHARE_STEP = 0.05;

/** Options that are set by other controls, or have no use for a single scalar. */
const NOT_SHOWN = ['activation', 'reduction'];

/** `undefined` for options that no control here can set. */
function optionOf(name: string, rule: OptionRule): Option | undefined {
  switch (rule.kind) {
    case 'flag':
      return { kind: 'flag', name };
    case 'choice':
      return oneOf(name, rule.default ?? 'default', ...rule.values.filter((value) => value !== rule.default));
    case 'number':
      return rule.default === undefined ? undefined : number(name, rule.default, ...sliderOf(name, rule));
    case 'other':
      return undefined;
  }
}

function sliderOf(name: string, { default: value, least, most, open }: NumberRule): readonly [number, number, number] {
  const known = SLIDERS[name];
  if (known && known[1] <= (most ?? Infinity)) return known;
  const highest = most ?? least + 4 * Math.max(1, (value ?? least) - least);
  const step = (highest - least) * SHARE_STEP;
  return [open ? least + step : least, open === 'both' ? highest - step : highest, step];
}

const logits = ['sigmoid', 'softmax'] as const;
const isActivated = ({ activation }: Settings) => activation === 'sigmoid' || activation === 'softmax';

/** The entry of a loss that describes itself. Its own options come first. */
function describedEntry(name: LossName, { description }: Described): Entry {
  const { options: rules, own } = description;
  const activates = 'activation' in rules;
  const names = [...own, ...Object.keys(rules).filter((option) => !own.includes(option))];
  const { options: special = {}, ...more } = SPECIAL[name] ?? {};
  const options = names
    .filter((option) => !NOT_SHOWN.includes(option))
    .flatMap((option) => special[option] ?? optionOf(option, rules[option]!) ?? [])
    .map((option) => (option.name === 'sharpness' && activates ? { ...option, when: isActivated } : option));
  return { name, activations: activates ? ACTIVATIONS : logits, classesOnly: !activates, options, ...more };
}

// ------------------------------------------------------------------------------------------------------- exceptions

const binary = ({ activation }: Settings) => activation === 'sigmoid';
const lovaszClasses = (...values: string[]) => ({ classes: [oneOf('classes', ...values)] });

/** Exceptions: options that depend on other options or that their rule does not describe, and notes. */
const SPECIAL: Partial<Record<string, Partial<Omit<Entry, 'options'>> & { options?: Record<string, Option[]> }>> = {
  binaryCrossEntropyLoss: {
    activations: ['sigmoid', 'none'],
    options: {
      posWeight: [number('posWeight', 1, 0.25, 10, 0.25, { when: (s: Settings) => !s['subtractEntropy'] })],
      subtractEntropy: [{ kind: 'flag', name: 'subtractEntropy', when: ({ posWeight }) => Number(posWeight) === 1 }],
    },
  },
  focalLoss: {
    options: {
      gamma: [number('gamma', 2, 0, 5, 0.25)],
      alpha: [
        { kind: 'flag', name: 'balance', label: 'balance by alpha', when: binary },
        number('alpha', 0.5, 0.05, 0.95, 0.05, { when: (s: Settings) => binary(s) && Boolean(s['balance']) }),
      ],
    },
  },
  lovaszSoftmaxLoss: { options: lovaszClasses('default', 'present', 'all') },
  lovaszHingeLoss: {
    note: 'It needs hard labels; soft labels above 0.5 count as 1.',
    options: lovaszClasses('all', 'present'),
  },
  boundaryLoss: { note: 'It can be negative.', readsBack: true },
  hausdorffLoss: { readsBack: true, options: { alpha: [number('alpha', 2, 0.5, 3, 0.25)] } },
};

const weight = (term: string, value: number) =>
  number(`weights.${term}`, value, 0, 2, 0.1, { label: `weight of ${term}` });
const weighted =
  (...terms: string[]) =>
  (settings: Settings) =>
    terms.some((term) => Number(settings[`weights.${term}`]) > 0);

/** The options of comboLoss that have an effect on the terms offered here, and when they have it. */
const COMBO_OPTIONS: Readonly<Record<string, Named['when']>> = {
  sharpness: isActivated,
  overlap: weighted('iou', 'dice'),
  aggregate: weighted('iou', 'dice'),
  smooth: weighted('iou', 'dice'),
  labelSmoothing: weighted('crossEntropy'),
};

const COMBO: Entry = {
  name: 'comboLoss',
  activations: ACTIVATIONS,
  options: [
    weight('iou', 1),
    weight('crossEntropy', 1),
    weight('dice', 0),
    weight('focal', 0),
    weight('lovaszSoftmax', 0),
    weight('clDice', 0),
    ...Object.entries(COMBO_OPTIONS).flatMap(([name, when]) => {
      const option = optionOf(name, comboRule(name));
      return option ? [{ ...option, when }] : [];
    }),
  ],
};

/** The rule of an option, from the default terms of comboLoss. */
function comboRule(name: string): OptionRule {
  return softseg.iouLoss.description.options[name] ?? softseg.crossEntropyLoss.description.options[name]!;
}

const DEEP: Entry = {
  name: 'deepSupervisionLoss',
  note: 'Here the predictions are the painted one, and its averages at half and quarter size.',
  activations: logits,
  options: [
    oneOf('loss', 'comboLoss', 'diceLoss', 'iouLoss', 'crossEntropyLoss'),
    oneOf('resize', 'average', 'nearest'),
  ],
  classesOnly: true,
};

const isDescribed = (entry: [string, unknown]): entry is [LossName, Described] =>
  typeof entry[1] === 'function' && 'description' in entry[1];

const ENTRIES: readonly Entry[] = [
  COMBO,
  ...Object.entries<unknown>(softseg)
    .filter(isDescribed)
    .filter(([name]) => name !== COMBO.name)
    .map(([name, loss]) => describedEntry(name, loss)),
  DEEP,
];

/** The names of all losses, unordered; pages.ts orders them. */
export const LOSSES: readonly LossName[] = ENTRIES.map(({ name }) => name);

export const CATALOGUE = Object.fromEntries(ENTRIES.map((entry) => [entry.name, entry])) as Record<LossName, Entry>;

/** The initial settings of a loss. */
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
