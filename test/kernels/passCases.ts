/** Requests to fused passes, and the results that plain loops in float64 expect of them. */
import { expect } from '@jest/globals';
import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { PASS_SUMS } from '../../src/kernels/contract.js';
import type { FusedLabelKind, FusedPass, FusedPasses } from '../../src/kernels/fused/passes.js';

type Values = Float32Array | Int32Array | Uint8Array;

export interface PassCase {
  samples: number;
  pixels: number;
  classes: number;
  labelKind: FusedLabelKind;
  classesFirst: boolean;
  weighted: boolean;
}

export const passCases: PassCase[] = [];
for (const labelKind of ['float32', 'int32', 'bool', 'indices'] as const)
  for (const classesFirst of [false, true])
    for (const [samples, pixels, classes] of [
      [2, 1, 3],
      [3, 130, 2],
      [2, 2400, 7],
      [1, 90, 300],
      [2, 1, 1030],
      [2, 0, 3],
      [0, 4, 3],
    ] as const)
      passCases.push({ samples, pixels, classes, labelKind, classesFirst, weighted: pixels !== 130 });

export const titleOf = ({ samples, pixels, classes, labelKind, classesFirst, weighted }: PassCase): string =>
  `[${(classesFirst ? [samples, classes, pixels] : [samples, pixels, classes]).join()}], labels ${labelKind}` +
  (weighted ? ', weights' : '');

/** The way in which tests put tensors on a backend and read results from it. */
export interface Bench {
  put(values: Values, shape: number[], dtype: DataType): TensorInfo;
  /** Reads the values of a result and disposes it. */
  take(result: TensorInfo): Float32Array;
}

const numbers = (length: number, seed: number): Float64Array => {
  let state = seed;
  return Float64Array.from({ length }, () => (state = (state * 16807) % 2147483647) / 2147483647);
};

/** Predictions are probabilities, so that the expected results are a few products. */
export function problemOf(of: PassCase, bench: Bench) {
  const { samples, pixels, classes, labelKind, classesFirst, weighted } = of;
  const size = samples * pixels * classes;
  const predictions = Float32Array.from(numbers(size, 7), (x) => 0.05 + 0.9 * x);
  const drawn = numbers(size, 11);
  const kinds = {
    float32: () => Float32Array.from(drawn),
    int32: () => Int32Array.from(drawn, Math.round),
    bool: () => Uint8Array.from(drawn, Math.round),
    // Indices go one beyond either end; those mean no class.
    indices: () => Int32Array.from(drawn.subarray(0, samples * pixels), (x) => Math.floor(x * (classes + 2)) - 1),
  };
  const labels: Values = kinds[labelKind]();
  const weights = Float32Array.from(numbers(samples * pixels, 13), (x) => (x < 0.2 ? 0 : x));
  const shape = classesFirst ? [samples, classes, pixels] : [samples, pixels, classes];
  const pass: FusedPass = {
    samples,
    pixels,
    classes,
    classesFirst,
    labelKind,
    activation: 'none',
    sharpness: 1,
    entropy: { kind: 'categorical', labelSmoothing: 0, posWeight: null, subtractEntropy: false, focal: null },
  };
  const inputs = {
    predictions: bench.put(predictions, shape, 'float32'),
    labels: bench.put(
      labels,
      labelKind === 'indices' ? [samples, pixels] : shape,
      labelKind === 'indices' ? 'int32' : labelKind,
    ),
    weights: weighted ? bench.put(weights, [samples, pixels, 1], 'float32') : null,
  };
  const at = (n: number, i: number, c: number): number =>
    classesFirst ? (n * classes + c) * pixels + i : (n * pixels + i) * classes + c;
  /** Calls `f` for all pixels and classes. */
  const each = (f: (p: number, t: number, w: number, n: number, i: number, c: number, at: number) => void): void => {
    for (let n = 0; n < samples; n++)
      for (let i = 0; i < pixels; i++)
        for (let c = 0; c < classes; c++) {
          const pixel = n * pixels + i;
          const place = at(n, i, c);
          const t = labelKind === 'indices' ? Number(labels[pixel] === c) : labels[place]!;
          f(predictions[place]!, t, weighted ? weights[pixel]! : 1, n, i, c, place);
        }
  };
  return { pass, inputs, size, shape, each };
}

/** Everything that the passes compute, as computed. */
export function computeAll(passes: FusedPasses, of: PassCase, bench: Bench) {
  const { pass, inputs } = problemOf(of, bench);
  const { samples, pixels, classes } = of;
  const coefficients = [...numbers(classes, 17)];
  const upstream = Float32Array.from(numbers(PASS_SUMS.length * samples * classes, 19));
  const dy = bench.put(upstream, [PASS_SUMS.length, samples, classes], 'float32');
  const mapUpstream = Float32Array.from(numbers(samples * pixels, 23));
  const mapDy = bench.put(mapUpstream, [samples, pixels], 'float32');
  const soft = of.labelKind === 'float32';
  const gradients = (wrt: 'predictions' | 'labels') => [
    bench.take(passes.sumsGradient(inputs, pass, PASS_SUMS, dy, wrt)),
    bench.take(passes.entropyMapGradient(inputs, pass, coefficients, mapDy, wrt)),
  ];
  return {
    sums: bench.take(passes.sums(inputs, pass, PASS_SUMS)),
    map: bench.take(passes.entropyMap(inputs, pass, coefficients)),
    gradients: gradients('predictions'),
    labelsGradients: soft ? gradients('labels') : [],
  };
}

export function expectAll(passes: FusedPasses, of: PassCase, bench: Bench): void {
  const actual = computeAll(passes, of, bench);
  const { samples, pixels, classes } = of;
  const { each, size } = problemOf(of, bench);
  const coefficients = numbers(classes, 17);
  const upstream = Float32Array.from(numbers(PASS_SUMS.length * samples * classes, 19));
  const mapUpstream = Float32Array.from(numbers(samples * pixels, 23));

  const sums = new Float64Array(PASS_SUMS.length * samples * classes);
  const map = new Float64Array(samples * pixels);
  const gradients = [new Float64Array(size), new Float64Array(size)];
  const labelsGradients = [new Float64Array(size), new Float64Array(size)];
  each((p, t, w, n, i, c, at) => {
    const log = Math.log(p);
    [p * t, p, t, Math.abs(p - t), Math.min(p, t), p * p, t * t, -t * log, 1].forEach((value, row) => {
      sums[(row * samples + n) * classes + c]! += w * value;
    });
    map[n * pixels + i]! += coefficients[c]! * w * -t * log;
    const dy = (row: number) => upstream[(row * samples + n) * classes + c]!;
    const sign = Math.sign(p - t);
    const toP = [t, 1, 0, sign, (1 - sign) / 2, 2 * p, 0, -t / p, 0];
    const toT = [p, 0, 1, -sign, (1 + sign) / 2, 0, 2 * t, -log, 0];
    const pixelDy = mapUpstream[n * pixels + i]! * coefficients[c]! * w;
    gradients[0]![at] = w * toP.reduce((sum, slope, row) => sum + slope * dy(row), 0);
    gradients[1]![at] = (pixelDy * -t) / p;
    labelsGradients[0]![at] = w * toT.reduce((sum, slope, row) => sum + slope * dy(row), 0);
    labelsGradients[1]![at] = -log * pixelDy;
  });

  expectNear(actual.sums, sums);
  expectNear(actual.map, map);
  actual.gradients.forEach((gradient, i) => expectNear(gradient, gradients[i]!));
  actual.labelsGradients.forEach((gradient, i) => expectNear(gradient, labelsGradients[i]!));
}

function expectNear(actual: Float32Array, expected: Float64Array): void {
  expect(actual.length).toBe(expected.length);
  const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-30);
  const worst = expected.reduce((most, x, i) => Math.max(most, Math.abs(x - actual[i]!)), 0);
  expect(worst / largest).toBeLessThan(2e-6);
}
