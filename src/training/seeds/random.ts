import { inFunction } from '../../argumentError.js';
import { checkInteger, entriesOf, fail, show } from '../../checks.js';
import { generator } from './generator.js';

/**
 * An integer >= 0, or a list of such integers, for instance one for the run and one for the step. Each list determines
 * its own sequence of random numbers.
 */
export type Seed = number | readonly number[];

/** A callback for `model.fit` and `model.fitDataset`. */
export interface SeededEpochs {
  /** Makes `Math.random` return the numbers of this epoch from now on. For loops of your own. */
  at(epoch: number): void;
  /** Restores `Math.random`. Has no effect if it is restored already. */
  restore(): void;
  onEpochBegin(epoch: number): void;
  onTrainEnd(): void;
}

/**
 * Runs `build` with a seeded `Math.random`, and then restores the original one, even if `build` throws. On every
 * backend, all randomness of tfjs that has no seed of its own comes from `Math.random`: initial weights of layers,
 * dropout and noise, `tf.randomNormal` and similar functions, `tf.util.shuffle`. The same seed gives the same numbers
 * in every run.
 *
 * Exceptions are `tf.multinomial` on the native backend, and `shuffle` of a `tf.data.Dataset`; both take a seed.
 *
 * @param seed an integer >= 0, or a list of such integers
 * @param build a synchronous function
 * @returns the result of `build`
 * @throws if the seed does not fit, or `build` returns a promise, because its later code would not use the seeded
 * numbers
 *
 * @example
 * ```ts
 * const build = () => tf.sequential({ layers: [tf.layers.dense({ inputShape: [4], units: 3 })] });
 * const [a, b] = [withSeed(7, build), withSeed(7, build)];
 * a.getWeights()[0]; // = b.getWeights()[0]
 * withSeed(7, async () => {}); // throws: withSeed: build must be synchronous
 * ```
 */
export function withSeed<T>(seed: Seed, build: () => T): T {
  return inFunction('withSeed', () => {
    const random = generator(...checkSeed(seed));
    if (typeof build !== 'function') fail(`build must be a function, got ${show(build)}`);
    const before = Math.random;
    Math.random = random;
    let result: T;
    try {
      result = build();
    } finally {
      Math.random = before;
    }
    if (isPromise(result)) {
      // The promise may still reject; without a handler, that would be an unhandled rejection.
      result.then(undefined, () => undefined);
      fail('build must be synchronous, got a promise, whose code would go on after Math.random is restored');
    }
    return result;
  });
}

/**
 * A callback for `model.fit` and `model.fitDataset` that gives each epoch its own random sequence, determined by the
 * seed and the epoch. Dropout, noise layers and augmentation with `Math.random` then draw the same numbers in every
 * run, also in one resumed with `initialEpoch`. During training, `Math.random` is replaced for the whole program; it is
 * restored at the end. tfjs-layers does not notify callbacks when training throws, so call `restore()` in a `finally`.
 *
 * The order in which `fit` shuffles is also the same in every run, but not in a resumed one, because `fit` shuffles the
 * order of the epoch before. To resume a run, use `shuffle: false`, or a dataset whose order depends on the epoch
 * (`epochBatches`).
 *
 * @param seed an integer >= 0, or a list of such integers
 * @throws if the seed does not fit
 *
 * @example
 * ```ts
 * const seeds = seedEpochs(7);
 * seeds.at(3);
 * const noise = tf.randomNormal([4]);
 * seeds.at(3);
 * noise; // = tf.randomNormal([4])
 * seeds.restore();
 * ```
 */
export function seedEpochs(seed: Seed): SeededEpochs {
  const fn = 'seedEpochs';
  return inFunction(fn, () => {
    const seeds = checkSeed(seed);
    let before: (() => number) | undefined;
    const at = (epoch: number) =>
      inFunction(fn, () => {
        checkInteger('epoch', epoch, 0);
        before ??= Math.random;
        Math.random = generator(...seeds, epoch);
      });
    const restore = () => {
      if (before) Math.random = before;
      before = undefined;
    };
    return { at, restore, onEpochBegin: at, onTrainEnd: restore };
  });
}

function checkSeed(seed: unknown): readonly number[] {
  const entries = entriesOf(seed);
  const seeds = entries ?? [seed];
  seeds.forEach((each, i) => checkInteger(entries ? `seed[${i}]` : 'seed', each, 0));
  if (seeds.length === 0) fail('seed must not be an empty list');
  return seeds as number[];
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null)?.then === 'function';
}
