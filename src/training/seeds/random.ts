import { inFunction } from '../../argumentError.js';
import { checkInteger, entriesOf, fail, show } from '../../checks.js';
import { generator } from './generator.js';

/** An integer >= 0, or a list of them, say of a run and of a step: each list has a sequence of its own. */
export type Seed = number | readonly number[];

/** A callback for `model.fit` and `model.fitDataset`. */
export interface SeededEpochs {
  /** From now on `Math.random` gives the numbers of this epoch: for loops of your own. */
  at(epoch: number): void;
  /** `Math.random` is again what it was. Does no harm where it is already. */
  restore(): void;
  onEpochBegin(epoch: number): void;
  onTrainEnd(): void;
}

/**
 * Runs `build` with a seeded `Math.random`, and puts the old one back, also when it throws. All of tfjs's randomness
 * that has no seed of its own comes from there, on every backend: the weights of layers that `build` makes, dropout and
 * noise of a step in it, `tf.randomNormal` and its like, `tf.util.shuffle`. The same seed gives the same numbers in every run.
 *
 * Not from there: `tf.multinomial` on the native backend, and `shuffle` of a `tf.data.Dataset`, which take a seed.
 *
 * @param seed an integer >= 0, or a list of them
 * @param build a synchronous function
 * @returns what `build` returns
 * @throws if the seed does not fit, or `build` returns a promise: what it does later would draw other numbers
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
      // It may yet be rejected, which nobody would see.
      result.then(undefined, () => undefined);
      fail('build must be synchronous, got a promise: Math.random is what it was when it goes on');
    }
    return result;
  });
}

/**
 * A callback for `model.fit` and `model.fitDataset` that gives each epoch a random sequence of its own, a function of
 * seed and epoch: dropout, noise layers, augmentation with `Math.random` draw the same in every run, and in a run that
 * is resumed with `initialEpoch`. While training goes on, `Math.random` is replaced for the whole program, and put back
 * at the end. tfjs-layers tells no callback when training throws: call `restore()` in a `finally`.
 *
 * The order in which `fit` shuffles is the same in every run too, but not in a resumed one: it shuffles the order of the
 * epoch before. For that, `shuffle: false`, or a dataset whose order depends on the epoch.
 *
 * @param seed an integer >= 0, or a list of them
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
