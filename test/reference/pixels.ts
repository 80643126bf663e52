import { at, resolveAxis, sizeOf, zeros, type NdArray } from './ndarray.js';
import { scaledLogit, sigmoid, softmax, softplus, logSumExp } from './numbers.js';

export type Activation = 'softmax' | 'sigmoid' | 'none' | ((logits: NdArray) => NdArray);

/** The options that say how to read labels and predictions. */
export interface PixelOptions {
  activation?: Activation;
  sharpness?: number;
  axis?: number;
  mask?: NdArray;
  ignoreLabel?: number;
}

/** One pixel that counts: a value per class, and its weight. */
export interface Pixel {
  sample: number;
  /** Row-major number of the pixel among the spatial positions of its sample. */
  position: number;
  weight: number;
  labels: number[];
  probabilities: number[];
  logProbabilities: number[];
  /** log(1 - p) of each class. */
  logComplements: number[];
}

export interface Pixels {
  sampleCount: number;
  classCount: number;
  spatialShape: number[];
  activation: Activation;
  /** Only the pixels with a weight above 0. */
  pixels: Pixel[];
}

/** Everything that a loss needs, pixel by pixel. */
export function readPixels(labels: NdArray, predictions: NdArray, options: PixelOptions): Pixels {
  const axis = resolveAxis(options.axis ?? -1, predictions.shape.length);
  const sampleCount = at(predictions.shape, 0);
  const classCount = at(predictions.shape, axis);
  const spatialShape = predictions.shape.filter((_, a) => a !== 0 && a !== axis);
  const before = sizeOf(predictions.shape.slice(1, axis));
  const after = sizeOf(predictions.shape.slice(axis + 1));
  const pixelCount = before * after;
  const activation = options.activation ?? defaultActivation(classCount);
  const sharpness = options.sharpness ?? 1;
  const classes = Array.from({ length: classCount }, (_, c) => c);
  const index = (n: number, i: number, c: number, j: number) => ((n * before + i) * classCount + c) * after + j;

  const found: { sample: number; position: number; weight: number; labels: number[]; where: number[] }[] = [];
  const kept = zeros(predictions.shape);
  for (let n = 0; n < sampleCount; n++) {
    for (let i = 0; i < before; i++) {
      for (let j = 0; j < after; j++) {
        const position = i * after + j;
        const where = classes.map((c) => index(n, i, c, j));
        const read = readLabels(labels, predictions.shape, classCount, n * pixelCount + position, where, options);
        const weight = options.mask ? at(options.mask.data, n * pixelCount + position) : 1;
        if (!(weight > 0) || read === 'ignored') continue;
        found.push({ sample: n, position, weight, labels: read, where });
        for (const k of where) kept.data[k] = at(predictions.data, k);
      }
    }
  }

  const activated = typeof activation === 'function' ? activation(kept) : kept;
  const pixels = found.map(({ where, ...pixel }) => {
    const values = where.map((k) => at(activated.data, k));
    return { ...pixel, ...activate(values, activation, sharpness) };
  });
  return { sampleCount, classCount, spatialShape, activation, pixels };
}

/** True if the cross-entropy under this activation has a term for 1 - t. */
export function isBinary(activation: Activation, classCount: number): boolean {
  return activation === 'sigmoid' || (activation !== 'softmax' && classCount === 1);
}

export function defaultActivation(classCount: number): 'softmax' | 'sigmoid' {
  return classCount > 1 ? 'softmax' : 'sigmoid';
}

function readLabels(
  labels: NdArray,
  shape: readonly number[],
  classCount: number,
  pixel: number,
  where: readonly number[],
  { ignoreLabel }: PixelOptions,
): number[] | 'ignored' {
  const sameShape = labels.shape.length === shape.length && labels.shape.every((size, a) => size === shape[a]);
  if (labels.dtype === 'int32' && (!sameShape || classCount === 1)) {
    const index = at(labels.data, pixel);
    if (index === ignoreLabel) return 'ignored';
    return where.map((_, c) => (index === (classCount === 1 ? 1 : c) ? 1 : 0));
  }
  const values = where.map((k) => at(labels.data, k));
  return ignoreLabel !== undefined && values.includes(ignoreLabel) ? 'ignored' : values;
}

function activate(
  values: number[],
  activation: Activation,
  sharpness: number,
): Pick<Pixel, 'probabilities' | 'logProbabilities' | 'logComplements'> {
  if (activation === 'sigmoid') {
    const logits = values.map((z) => scaledLogit(z, sharpness));
    return {
      probabilities: logits.map(sigmoid),
      logProbabilities: logits.map((z) => -softplus(-z)),
      logComplements: logits.map((z) => -softplus(z)),
    };
  }
  if (activation === 'softmax') {
    const logits = values.map((z) => scaledLogit(z, sharpness));
    const normalizer = logSumExp(logits);
    return {
      probabilities: softmax(logits),
      logProbabilities: logits.map((z) => z - normalizer),
      logComplements: [],
    };
  }
  return {
    probabilities: values,
    logProbabilities: values.map((p) => Math.log(Math.max(p, 1e-12))),
    logComplements: values.map((p) => Math.log(Math.max(1 - p, 1e-12))),
  };
}
