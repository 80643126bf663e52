/** Builds the function of a loss with its settings, and the code that does the same. */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import * as softseg from 'softseg';
import { CATALOGUE, type Activation, type Spec } from './catalogue.js';

/** An option's value that is an identifier in the code, and not a string. */
class Identifier {
  constructor(readonly name: string) {}
}

type Options = Record<string, unknown>;
type AnyLoss = (labels: Tensor, predictions: Tensor, options: Options) => Scalar;

const RELAXATIONS = { sparsemax: softseg.sparsemax, entmax15: softseg.entmax15 };
const isRelaxation = (name: Activation): name is keyof typeof RELAXATIONS => name in RELAXATIONS;

export const activationOf = ({ settings }: Spec) => settings['activation'] as Activation;

/**
 * The number of classes of the painted image: softmax, sparsemax and entmax need two, because their outputs sum to 1.
 */
export const paintedClasses = (spec: Spec) => {
  const activation = activationOf(spec);
  return activation === 'softmax' || isRelaxation(activation) ? 2 : 1;
};

/** The options that differ from the defaults of the loss. */
function chosen({ name, settings }: Spec, classes: number): Options {
  const options: Options = {};
  const weights: Record<string, number> = {};
  for (const option of CATALOGUE[name].options) {
    if (option.when && !option.when(settings)) continue;
    const value = settings[option.name]!;
    const [group, term] = option.name.split('.');
    if (group === 'weights') {
      if (Number(value) > 0) weights[term!] = Number(value);
    } else if (option.name === 'balance') {
      if (value) options['alpha'] = settings['alpha'];
    } else if (option.kind === 'flag') {
      if (value) options[option.name] = true;
    } else if (value !== (option.kind === 'choice' ? option.values[0] : option.value)) {
      options[option.name] = value;
    }
  }
  const standard =
    Object.keys(weights).sort().join() === 'crossEntropy,iou' && weights['iou'] === 1 && weights['crossEntropy'] === 1;
  if (name === 'comboLoss' && !standard) options['weights'] = weights;
  return { ...activationOption({ name, settings }, classes), ...options };
}

function activationOption(spec: Spec, classes: number): Options {
  const activation = activationOf(spec);
  if (CATALOGUE[spec.name].classesOnly) return {};
  if (isRelaxation(activation)) return { activation: new Identifier(activation) };
  const standard = classes > 1 && spec.name !== 'binaryCrossEntropyLoss' ? 'softmax' : 'sigmoid';
  return activation === standard ? {} : { activation };
}

const resolved = (options: Options): Options =>
  Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      name,
      value instanceof Identifier ? RELAXATIONS[value.name as keyof typeof RELAXATIONS] : value,
    ]),
  );

/** The loss as a function from labels and predictions to a scalar. */
export function lossOf(spec: Spec, classes: number): (labels: Tensor, predictions: Tensor) => Scalar {
  const options = resolved(chosen(spec, classes));
  if (spec.name === 'deepSupervisionLoss') {
    const { loss = 'comboLoss', ...others } = options;
    const inner = softseg[loss as 'diceLoss'];
    return (labels, predictions) => softseg.deepSupervisionLoss<Scalar>(inner, labels, scales(predictions), others);
  }
  const loss = softseg[spec.name] as unknown as AnyLoss;
  return (labels, predictions) => loss(labels, predictions, options);
}

/** A prediction at full size, half size and quarter size. */
function scales(predictions: Tensor): Tensor[] {
  const smaller = (factor: number) => tf.avgPool(predictions as tf.Tensor4D, factor, factor, 'same');
  return [predictions, smaller(2), smaller(4)];
}

// --------------------------------------------------------------------------------------------------------- the code

const written = (value: unknown): string => {
  if (value instanceof Identifier) return value.name;
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'object' && value !== null) return object(value as Options);
  return String(value);
};

const object = (options: Options) =>
  `{ ${Object.entries(options)
    .map(([name, value]) => `${name}: ${written(value)}`)
    .join(', ')} }`;

const helpers = (options: Options) =>
  Object.values(options).flatMap((value) => (value instanceof Identifier ? [value.name] : []));

const importLine = (...names: string[]) => `import { ${[...new Set(names)].sort().join(', ')} } from 'softseg';`;

/** The call of the loss, and the names to import for it. */
function call(spec: Spec, classes: number): { text: string; imports: string[] } {
  const options = chosen(spec, classes);
  if (spec.name === 'deepSupervisionLoss') {
    const { loss = 'comboLoss', ...others } = options;
    const rest = Object.keys(others).length > 0 ? `, ${object(others)}` : '';
    return {
      text: `deepSupervisionLoss(${String(loss)}, labels, [logits, half, quarter]${rest})`,
      imports: [spec.name, String(loss)],
    };
  }
  const input = activationOf(spec) === 'none' ? 'probabilities' : 'logits';
  const rest = Object.keys(options).length > 0 ? `, ${object(options)}` : '';
  return { text: `${spec.name}(labels, ${input}${rest})`, imports: [spec.name, ...helpers(options)] };
}

/** The code that computes a loss of tensors of a shape. */
export function codeOf(spec: Spec, classes: number, shape: readonly number[]): string {
  const { text, imports } = call(spec, classes);
  const deep = spec.name === 'deepSupervisionLoss';
  const [n, height, width, channels] = shape as [number, number, number, number];
  const names = deep
    ? 'labels and logits'
    : activationOf(spec) === 'none'
      ? 'labels and probabilities'
      : 'labels and logits';
  return [
    importLine(...imports),
    '',
    `// ${names}: [${shape.join(', ')}]${classes > 1 ? ', the last axis is background and structure' : ''}`,
    ...(deep
      ? [
          `// half: [${n}, ${height / 2}, ${width / 2}, ${channels}], ` +
            `quarter: [${n}, ${height / 4}, ${width / 4}, ${channels}]`,
        ]
      : []),
    `const loss = ${text};`,
  ].join('\n');
}

/** The code that trains with a loss. */
export function trainingCode(spec: Spec, classes: number, epochs: number, rate: number): string {
  const { text, imports } = call(spec, classes);
  const plain = text === `${spec.name}(labels, logits)`;
  return [
    `import * as tf from '@tensorflow/tfjs';`,
    importLine(...imports),
    '',
    `const loss = ${plain ? spec.name : `(labels, logits) => ${text}`};`,
    '// On this page the learning rate also falls to 0 along half a cosine wave.',
    `model.compile({ optimizer: tf.train.adam(${rate}), loss });`,
    `await model.fit(images, labels, { epochs: ${epochs}, batchSize: 4 });`,
  ].join('\n');
}
