import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { crossEntropyLoss, staple } from '../../src/index.js';
import golden from '../golden/annotators.json' with { type: 'json' };
import * as reference from '../reference/annotators.js';
import { indices, ndarray, type NdArray } from '../reference/index.js';
import { expectClose, toTensor } from '../support/compare.js';
import { randomNumbers } from '../support/random.js';

/** Random true masks, and the answers of annotators who are right with the given probabilities. */
function simulate(pixels: number, seed: number, share: number, pairs: readonly (readonly [number, number])[]) {
  const random = randomNumbers(seed);
  const truth = Array.from({ length: pixels }, () => (random() < share ? 1 : 0));
  const masks = pairs.map(([sensitivity, specificity]) =>
    truth.map((t) => (random() < (t === 1 ? sensitivity : 1 - specificity) ? 1 : 0)),
  );
  return { truth, masks };
}

function simulateMaps(pixels: number, seed: number, classes: number, accuracies: readonly number[]) {
  const random = randomNumbers(seed);
  const any = () => Math.floor(random() * classes);
  const truth = Array.from({ length: pixels }, any);
  return { truth, maps: accuracies.map((a) => truth.map((t) => (random() < a ? t : any()))) };
}

/** Replaces about a third of the answers with `absent`, and every answer at each tenth pixel. */
function withAbsent(masks: number[][], seed: number, absent: number): number[][] {
  const random = randomNumbers(seed);
  return masks.map((mask) => mask.map((d, i) => (i % 10 === 7 || random() < 0.3 ? absent : d)));
}

const PAIRS = [
  [0.9, 0.95],
  [0.8, 0.9],
  [0.7, 0.85],
  [0.95, 0.7],
] as const;

function expectLikeOracle(masks: NdArray, options: reference.StapleOptions): void {
  const expected = reference.staple(masks, options);
  const found = staple(toTensor(masks), options as object);
  expectClose(found.consensus, expected.consensus, 1e-6);
  expectClose(ndarray([found.prior].flat()), ndarray(expected.prior.slice(-[found.prior].flat().length)), 1e-9);
  expect([found.iterations, found.converged]).toEqual([expected.iterations, expected.converged]);
  const { confusion } = expected;
  if (options.classes !== undefined) {
    const { confusion: own } = found as unknown as { confusion: number[][][] };
    expectClose(ndarray(own), ndarray(confusion), 1e-9);
    return;
  }
  const { sensitivity, specificity } = found;
  expectClose(ndarray(sensitivity), ndarray(confusion.map((own) => own[1]![1]!)), 1e-9);
  expectClose(ndarray(specificity), ndarray(confusion.map((own) => own[0]![0]!)), 1e-9);
}

describe('staple', () => {
  const { masks } = simulate(120, 1, 0.3, PAIRS);
  const { maps } = simulateMaps(120, 2, 3, [0.9, 0.8, 0.7, 0.85]);

  test.each<[reference.StapleOptions]>([
    [{}],
    [{ prior: 'updated' }],
    [{ prior: 0.5 }],
    [{ prior: 0.2, initial: 0.9 }],
    [{ maxIterations: 3 }],
    [{ tolerance: 1e-3 }],
    [{ annotatorAxis: -1 }],
  ])('equals the oracle on masks with %j', (options) => {
    const shape = options.annotatorAxis === -1 ? [12, 10, 4] : [4, 12, 10];
    const values =
      options.annotatorAxis === -1 ? masks[0]!.map((_, i) => masks.map((m) => m[i]!)).flat() : masks.flat();
    expectLikeOracle(ndarray(values, shape), options);
  });

  test.each<[reference.StapleOptions]>([
    [{ classes: 3 }],
    [{ classes: 4 }],
    [{ classes: 3, prior: 'updated' }],
    [{ classes: 3, prior: [0.5, 0.25, 0.25] }],
    [{ classes: 3, annotatorAxis: 1, initial: 0.8 }],
  ])('equals the oracle on class maps with %j', (options) => {
    expectLikeOracle(indices(maps.flat(), options.annotatorAxis === 1 ? [2, 4, 60] : [4, 120]), options);
  });

  test.each<[number[][], reference.StapleOptions]>([
    [withAbsent(masks, 3, -1), { absentLabel: -1 }],
    [withAbsent(masks, 3, 255), { absentLabel: 255, missing: -7, prior: 'updated' }],
    [withAbsent(maps, 4, 255), { absentLabel: 255, classes: 3 }],
    [withAbsent(maps, 4, -1), { absentLabel: -1, classes: 3, prior: 'updated' }],
  ])('ignores annotators that did not look, as the oracle does (case %#)', (answers, options) => {
    const make = options.classes === undefined ? ndarray : indices;
    expectLikeOracle(make(answers.flat(), [4, 120]), options);
  });

  test('goes on while only the prior changes, as the oracle does', () => {
    for (const seed of [10, 41, 66]) {
      const three = simulate(
        120,
        seed,
        0.3,
        Array.from({ length: 3 }, () => [0.83, 0.83] as const),
      );
      expectLikeOracle(ndarray(three.masks.flat(), [3, 120]), { prior: 'updated', tolerance: 1e-5 });
    }
  });

  test('gives the same for two classes as for masks', () => {
    const binary = staple(tf.tensor(masks));
    const two = staple(tf.tensor(masks, undefined, 'int32'), { classes: 2 });
    expectClose(tf.gather(two.consensus, 1, 1), binary.consensus);
    expect(two.confusion.map((own) => own[1]![1])).toEqual(binary.sensitivity);
    expect(two.confusion.map((own) => own[0]![0])).toEqual(binary.specificity);
    expect(two.prior[1]).toBe(binary.prior);
  });

  test('takes bool masks, with the same result', () => {
    const { consensus } = staple(tf.tensor(masks));
    expectClose(staple(tf.cast(tf.tensor(masks), 'bool')).consensus, consensus);
    expectClose(staple(tf.cast(tf.tensor(masks), 'int32')).consensus, consensus);
  });

  test('does not depend on the order of annotators', () => {
    const { consensus, sensitivity } = staple(tf.tensor(masks));
    const reversed = staple(tf.tensor([...masks].reverse()));
    expectClose(reversed.consensus, consensus);
    expectClose(ndarray([...reversed.sensitivity].reverse()), ndarray(sensitivity), 1e-9);
  });

  test('gives soft labels that a loss accepts, with the mark of missing pixels as ignoreLabel', () => {
    const seen = tf.tensor(withAbsent(maps, 4, 9), [4, 1, 120], 'int32');
    const { consensus } = staple(seen, { classes: 3, absentLabel: 9 });
    const loss = crossEntropyLoss(consensus, tf.zeros([1, 120, 3]), { ignoreLabel: -1 });
    expectClose(loss, tf.scalar(Math.log(3)));
    const unseen = tf.sum(tf.cast(tf.all(tf.equal(seen, 9), 0), 'int32')).dataSync()[0]!;
    expect(unseen).toBeGreaterThanOrEqual(12);
    expect(consensus.dataSync().filter((t) => t === -1)).toHaveLength(3 * unseen);
  });
});

describe('staple agrees with other libraries', () => {
  test.each(golden.binary.map((c) => [c.name, c] as const))('SimpleITK on masks: %s', (_, c) => {
    const { consensus, sensitivity, specificity, converged } = staple(
      tf.tensor(c.masks, [c.masks.length, ...c.shape]),
      { tolerance: 1e-12 },
    );
    expect(converged).toBe(true);
    // SimpleITK stops when an iteration changes less than 1e-7; in the first case the limit is still 2e-5 away.
    expectClose(consensus, ndarray(c.consensus, c.shape), 5e-5);
    expectClose(ndarray(sensitivity), ndarray(c.sensitivity), 2e-6);
    expectClose(ndarray(specificity), ndarray(c.specificity), 2e-6);
  });

  test.each(golden.multiLabel.map((c) => [c.name, c] as const))('SimpleITK on class maps: %s', (_, c) => {
    const { consensus, confusion } = staple(tf.tensor(c.maps, [c.maps.length, ...c.shape], 'int32'), {
      classes: c.classes,
      prior: c.prior ?? 'votes',
    });
    expect([...tf.argMax(consensus, -1).dataSync()]).toEqual(c.labels);
    // SimpleITK's probabilities are float32.
    expectClose(ndarray(confusion), ndarray(c.confusion), 1e-5);
  });

  test.each(golden.dawidSkene.map((c) => [c.name, c] as const))('crowd-kit, Dawid & Skene: %s', (_, c) => {
    const found = staple(tf.tensor(c.maps, [c.maps.length, ...c.shape], 'int32'), {
      classes: c.classes,
      prior: 'updated',
      absentLabel: -1,
      tolerance: 1e-12,
    });
    // crowd-kit keeps all probabilities above 1e-10.
    expectClose(found.consensus, ndarray(c.consensus, [...c.shape, c.classes]), 2e-5);
    expectClose(ndarray(found.confusion), ndarray(c.confusion), 1e-6);
    expectClose(ndarray(found.prior), ndarray(c.prior), 1e-6);
  });
});

describe('staple of annotators whose quality is known', () => {
  const { truth, masks } = simulate(20_000, 5, 0.3, [...PAIRS, [0.5, 0.6]]);
  const wrong = (labels: ArrayLike<number>) => truth.filter((t, i) => labels[i]! > 0.5 !== (t === 1)).length;

  test('finds that quality, to the accuracy of the sample', () => {
    const { sensitivity, specificity, prior } = staple(tf.tensor(masks), { prior: 'updated' });
    // The structure has 6000 pixels: three standard errors of a share of 0.5 are 0.02.
    [...PAIRS, [0.5, 0.6]].forEach(([p, q], a) => {
      expect(Math.abs(sensitivity[a]! - p!)).toBeLessThan(0.02);
      expect(Math.abs(specificity[a]! - q!)).toBeLessThan(0.02);
    });
    expect(Math.abs(prior - 0.3)).toBeLessThan(0.02);
  });

  test('is closer to the truth than the majority vote', () => {
    const { consensus } = staple(tf.tensor(masks));
    const majority = tf.mean(tf.tensor(masks), 0);
    expect(wrong(consensus.dataSync())).toBeLessThan(0.9 * wrong(majority.dataSync()));
  });

  test('makes use of an annotator who is always wrong', () => {
    const liar = truth.map((t) => 1 - t);
    const three = staple(tf.tensor(masks.slice(0, 3)));
    const { consensus, sensitivity, specificity } = staple(tf.tensor([...masks.slice(0, 3), liar]));
    expect(sensitivity[3]).toBeLessThan(0.02);
    expect(specificity[3]).toBeLessThan(0.02);
    expect(wrong(consensus.dataSync())).toBeLessThan(0.1 * wrong(three.consensus.dataSync()));
  });
});

describe('staple at the extremes', () => {
  test('gives the common mask and perfect annotators where all agree', () => {
    const mask = [1, 0, 0, 1, 1, 0];
    const { consensus, sensitivity, specificity, converged } = staple(tf.tensor([mask, mask, mask]));
    expect([...consensus.dataSync()]).toEqual(mask);
    expect([sensitivity, specificity, converged]).toEqual([[1, 1, 1], [1, 1, 1], true]);
  });

  test('gives the mask of a single annotator', () => {
    const { consensus, converged } = staple(tf.tensor([[1, 0, 0, 1, 0, 0, 0, 0]]));
    expectClose(consensus, tf.tensor([1, 0, 0, 1, 0, 0, 0, 0]), 1e-3);
    expect(converged).toBe(true);
  });

  test.each([0, 1])(
    'agrees with masks of only %d, and leaves parameters without evidence at their initial value',
    (value) => {
      for (const prior of ['votes', 'updated'] as const) {
        const { consensus, sensitivity, specificity } = staple(tf.fill([3, 2, 4], value), { prior, initial: 0.9 });
        expectClose(consensus, tf.fill([2, 4], value), 1e-6);
        const [told, untold] = value === 1 ? [sensitivity, specificity] : [specificity, sensitivity];
        expect(told).toEqual([1, 1, 1]);
        if (prior === 'votes') expect(untold).toEqual([0.9, 0.9, 0.9]);
        expect(untold.every((q) => q >= 0 && q <= 1)).toBe(true);
      }
    },
  );

  test('follows a prior of 0 or 1 against all masks', () => {
    const masks = tf.tensor([[1, 0, 1, 0]]).tile([3, 1]);
    expect([...staple(masks, { prior: 0 }).consensus.dataSync()]).toEqual([0, 0, 0, 0]);
    expect([...staple(masks, { prior: 1 }).consensus.dataSync()]).toEqual([1, 1, 1, 1]);
    const maps = tf.tensor([[2, 0, 1]], [1, 3], 'int32').tile([2, 1]);
    const { consensus } = staple(maps, { classes: 3, prior: [0, 1, 0] });
    expectClose(consensus, tf.tensor([[0, 1, 0]]).tile([3, 1]));
  });

  test('is finite for 3000 annotators, although the product of their probabilities underflows float64', () => {
    const { truth, masks } = simulate(
      20,
      6,
      0.5,
      Array.from({ length: 3000 }, () => [0.6, 0.6] as const),
    );
    const { consensus } = staple(tf.tensor(masks));
    expect(0.6 ** 1800 * 0.4 ** 1200).toBe(0);
    expect([...consensus.dataSync()]).toEqual(truth);
  });

  test('handles pixels without answers, images without answers, and annotators who saw nothing', () => {
    const masks = [
      [1, 0, 1, -1],
      [1, 0, 0, -1],
      [-1, -1, -1, -1],
    ];
    const { consensus, sensitivity, specificity } = staple(tf.tensor(masks), { absentLabel: -1, initial: 0.99 });
    expect(consensus.dataSync()[3]).toBe(-1);
    expect([sensitivity[2], specificity[2]]).toEqual([0.99, 0.99]);
    const nothing = staple(tf.fill([2, 3], -1), { absentLabel: -1 });
    expect([...nothing.consensus.dataSync()]).toEqual([-1, -1, -1]);
    expect([nothing.prior, nothing.converged]).toEqual([0.5, true]);
  });

  test('reports when it has not converged', () => {
    const { masks } = simulate(120, 1, 0.3, PAIRS);
    expect(staple(tf.tensor(masks), { maxIterations: 2 })).toMatchObject({ iterations: 2, converged: false });
  });
});

describe('staple refuses', () => {
  const masks = () => tf.tensor2d([[1, 0]]);
  const maps = () => tf.tensor2d([[1, 0]], [1, 2], 'int32');

  test('values that are not classes', () => {
    expect(() => staple(tf.tensor([[0.5, 1]]))).toThrow('staple: masks must hold classes in 0..1, got 0.5');
    expect(() => staple(tf.tensor([[-1, 2]]), { absentLabel: -1 })).toThrow(
      'staple: masks must hold classes in 0..1 or absentLabel -1, got 2',
    );
    expect(() => staple(tf.tensor([[NaN, 1]]))).toThrow('masks must hold classes in 0..1, got NaN');
    expect(() => staple(tf.tensor([[3, 1]], [1, 2], 'int32'), { classes: 3 })).toThrow(
      'masks must hold classes in 0..2, got 3',
    );
  });

  test('invalid options', () => {
    expect(() => staple(1 as unknown as tf.Tensor)).toThrow('staple: masks must be a tf.Tensor, got 1');
    expect(() => staple(masks(), { raters: 1 } as object)).toThrow("staple: unknown option 'raters'");
    expect(() => staple(masks(), { classes: 3 })).toThrow(
      'class maps must be int32, got a float32 tensor of shape [1,2]',
    );
    expect(() => staple(maps(), { classes: 1 })).toThrow('classes must be an integer >= 2, got 1');
    expect(() => staple(masks(), { annotatorAxis: 2 })).toThrow('annotatorAxis must be an integer in -2..1');
    expect(() => staple(masks(), { absentLabel: NaN })).toThrow('absentLabel must be a finite number, got NaN');
    expect(() => staple(masks(), { prior: 2 })).toThrow('prior must be a number in [0, 1], got 2');
    expect(() => staple(masks(), { prior: [0.5, 0.5] })).toThrow(
      "prior of masks must be 'votes', 'updated' or a number in [0, 1], got [0.5,0.5]",
    );
    expect(() => staple(maps(), { classes: 2, prior: 0.5 })).toThrow(
      "prior of class maps must be 'votes', 'updated' or a list of 2 numbers, got 0.5",
    );
    expect(() => staple(maps(), { classes: 2, prior: [0.5, 0.6] })).toThrow('prior must sum to 1, got [0.5,0.6]');
    expect(() => staple(maps(), { classes: 2, prior: [1.5, -0.5] })).toThrow('prior[0] must be a number in [0, 1]');
    for (const initial of [0, 1, NaN]) {
      expect(() => staple(masks(), { initial })).toThrow(`initial must be a number in (0, 1), got ${initial}`);
    }
    expect(() => staple(masks(), { tolerance: -1 })).toThrow('tolerance must be a number >= 0, got -1');
    expect(() => staple(masks(), { maxIterations: 0 })).toThrow('maxIterations must be an integer >= 1, got 0');
    expect(() => staple(masks(), { missing: Infinity })).toThrow('missing must be a finite number, got Infinity');
    expect(() => staple(tf.zeros([0, 4]))).toThrow('masks of shape [0,4] hold no value');
  });
});

test('staple leaves no tensor except the consensus, and none when it throws', () => {
  const masks = tf.tensor([
    [1, 0, 2],
    [1, 0, 0],
  ]);
  const before = tf.memory().numTensors;
  staple(masks, { absentLabel: 2 }).consensus.dispose();
  expect(() => staple(masks)).toThrow();
  expect(tf.memory().numTensors).toBe(before);
});
