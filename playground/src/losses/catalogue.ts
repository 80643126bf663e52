/** Every loss of the package with the options that mean something for it. */
import * as softseg from 'softseg';
import type { Described, NumberRule, OptionRule } from 'softseg';

/** The losses that describe themselves, and the one that is made of others. */
export type LossName =
  | { [K in keyof typeof softseg]: (typeof softseg)[K] extends Described ? K : never }[keyof typeof softseg]
  | 'deepSupervisionLoss';
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
  /** The part that its page in docs does not say, or not as it is here. */
  note?: string;
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

// ---------------------------------------------------------------------------------------- from what losses describe

/** Where a slider begins and ends, and its steps, unless the rule of the option ends sooner. */
const SLIDERS: Readonly<Record<string, readonly [min: number, max: number, step: number]>> = {
  sharpness: [0.25, 8, 0.25],
  smooth: [0, 10, 0.5],
  alpha: [0, 1, 0.05],
  beta: [0, 1, 0.05],
  gamma: [0.25, 3, 0.25],
  iterations: [0, 10, 1],
  labelSmoothing: [0, 0.5, 0.05],
};
/** The step of other sliders, as a share of their range. */
const SHARE_STEP = 0.05;

/** Set by other means, or of no use for a scalar of one image. */
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

/** Its own options first. */
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

/** Options that depend on others or that a rule does not tell, and other things that are special. */
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
    note: 'It takes hard labels: soft ones count as 1 above a half.',
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

/** The options of the combo that mean something with the terms that it has here, by when they do. */
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

/** As the terms that are there from the start have it. */
function comboRule(name: string): OptionRule {
  return softseg.iouLoss.description.options[name] ?? softseg.crossEntropyLoss.description.options[name]!;
}

const DEEP: Entry = {
  name: 'deepSupervisionLoss',
  note: 'Here: the prediction itself, and its average at a half and a quarter of the size.',
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

/** By name, in no order: see pages.ts. */
export const LOSSES: readonly LossName[] = ENTRIES.map(({ name }) => name);

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
