import * as tf from '@tensorflow/tfjs-core';
import type { NamedTensorMap, Optimizer, Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import { inFunction } from '../../argumentError.js';
import { checkNumber, checkOptionNames, entriesOf, fail, show } from '../../checks.js';
import { resolveForward, type Network } from './forward.js';
import { checkPieces, pieceAt, type Piece, type Pieces } from './pieces.js';
import { withSeed } from '../seeds/random.js';
import { checkScalar, resolveWholeLoss, type PieceLoss, type Summary, type WholeLoss } from './wholeLoss.js';

export interface AccumulateOptions {
  /**
   * The variables to differentiate by. Default: the model's trainable weights, or, if the network is a function, all
   * trainable variables.
   */
  variables?: Variable[];
  /**
   * A factor of the gradients, but not of the value: they are those of `lossScale` times the loss. Default 1. On webgl
   * with float16 textures, as on many phones, numbers below 6e-8 are 0 and those above 65,504 infinite. The gradients
   * of logits, which are small for many pixels, and Adam's averages of squares need a scale of 16 to 64 there; with too
   * large a scale the squares overflow. The steps of Adam do not depend on the scale; divide the learning rate of
   * `tf.train.sgd` by it.
   */
  lossScale?: number;
}

/**
 * The loss of a whole and its gradients, from pieces that go through the network one after the other: micro-batches of
 * a batch, or tiles of a volume. Value and gradients equal those of the whole in one pass, even if the loss is not a
 * mean over pieces (sums over the batch, classes that some pieces lack, masks). There are two passes over the pieces:
 * the first computes what the loss needs of each piece, the second sends the gradient of the loss back through each
 * piece. The network therefore runs forward twice, about a third more work, and never has more than one piece in
 * memory.
 *
 * For losses computed from sums, only the sums of each piece are kept, [N, C] numbers. These are the region losses
 * (including those of `defineRegionLoss`), `crossEntropyLoss`, `binaryCrossEntropyLoss`, `focalLoss`,
 * `unifiedFocalLoss`, and `comboLoss` of these, passed directly or with options as a `namedLoss`. For all other losses,
 * with the option `hardest`, and for functions of your own, the logits and labels of all pieces are kept, and tiles are
 * refused.
 *
 * Dropout is the same in both passes. Batch normalization differs from that of the whole: it uses the statistics of
 * each piece, and updates its moving averages in both passes. The regularizers of a model's layers are added to the
 * loss.
 *
 * @param loss a loss of this package, a `namedLoss`, or `(labels, predictions) => scalar`
 * @param network a model of tfjs-layers, or `(xs) => logits`
 * @param pieces `microBatches`, `tiles`, a list of `{ xs, ys, mask? }`, or any object with `length` and `at(index)`
 * @returns the loss, and the gradients by the names of the variables, as from `tf.variableGrads`
 * @throws if the arguments do not fit, or the loss with its options is not a scalar
 *
 * @example
 * ```ts
 * const model = tf.sequential({
 *   layers: [tf.layers.conv2d({ inputShape: [8, 8, 1], filters: 2, kernelSize: 3, padding: 'same' })],
 * });
 * const batch = { xs: tf.randomNormal([6, 8, 8, 1]), ys: tf.softmax(tf.randomNormal([6, 8, 8, 2])) };
 * const loss = namedLoss('diceLoss', { aggregate: 'batch' });
 * const { value, grads } = accumulateGrads(loss, model, microBatches(batch, 2));
 * value; // = loss(batch.ys, model.predict(batch.xs))
 * tf.train.adam(1e-3).applyGradients(grads);
 * ```
 */
export function accumulateGrads(
  loss: PieceLoss,
  network: Network,
  pieces: Pieces | readonly Piece[],
  options: AccumulateOptions = {},
): { value: Scalar; grads: NamedTensorMap } {
  return inFunction('accumulateGrads', () => accumulate(loss, network, pieces, options));
}

/**
 * One step of an optimizer on a whole that goes through the network piece by piece: `accumulateGrads`, then
 * `applyGradients`. Use it in place of `optimizer.minimize`.
 *
 * @returns the loss before the step
 * @throws in the same cases as `accumulateGrads`
 *
 * @example
 * ```ts
 * const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [8, 4], units: 3 })] });
 * const batch = { xs: tf.randomNormal([6, 8, 4]), ys: tf.softmax(tf.randomNormal([6, 8, 3])) };
 * const optimizer = tf.train.sgd(0.1);
 * const value = minimizePieces(optimizer, comboLoss, model, microBatches(batch, 2)); // shape []
 * ```
 */
export function minimizePieces(
  optimizer: Optimizer,
  loss: PieceLoss,
  network: Network,
  pieces: Pieces | readonly Piece[],
  options: AccumulateOptions = {},
): Scalar {
  return inFunction('minimizePieces', () => {
    if (typeof (optimizer as Partial<Optimizer> | null)?.applyGradients !== 'function') {
      fail(`optimizer must be an optimizer of tf.train, got ${show(optimizer)}`);
    }
    return tf.tidy(() => {
      const { value, grads } = accumulate(loss, network, pieces, options);
      optimizer.applyGradients(grads);
      return value;
    });
  });
}

/**
 * The loss of a whole from its pieces, with one pass and no gradient. A model runs in inference mode, and the
 * regularizers of its layers are not added.
 *
 * @throws in the same cases as `accumulateGrads`
 *
 * @example
 * ```ts
 * const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [8, 4], units: 3 })] });
 * const batch = { xs: tf.randomNormal([6, 8, 4]), ys: tf.softmax(tf.randomNormal([6, 8, 3])) };
 * lossOfPieces(iouLoss, model, microBatches(batch, 4)); // = iouLoss(batch.ys, model.predict(batch.xs))
 * ```
 */
export function lossOfPieces(loss: PieceLoss, network: Network, pieces: Pieces | readonly Piece[]): Scalar {
  return inFunction('lossOfPieces', () => {
    checkPieces(pieces);
    const { predict } = resolveForward(network);
    const whole = resolveWholeLoss(loss, pieces.of ?? 'samples');
    return tf.tidy(() => {
      const { parts, kept } = whole.join(summariesOf(whole, (i) => pieceAt(pieces, i), pieces.length, predict));
      const value = whole.value(parts, kept);
      checkScalar(value);
      return value;
    });
  });
}

function accumulate(
  loss: PieceLoss,
  network: Network,
  pieces: Pieces | readonly Piece[],
  options: AccumulateOptions,
): { value: Scalar; grads: NamedTensorMap } {
  checkOptionNames(options, ['variables', 'lossScale']);
  const { lossScale = 1 } = options;
  checkNumber('lossScale', lossScale, { least: 0, open: true });
  checkPieces(pieces);
  const { train, penalties, variables: modelVariables } = resolveForward(network);
  if (options.variables !== undefined) checkVariables(options.variables);
  const variables = options.variables ?? modelVariables;
  const whole = resolveWholeLoss(loss, pieces.of ?? 'samples');
  const seeds = Array.from({ length: pieces.length }, () => Math.floor(Math.random() * 2 ** 31));
  const logits = (xs: Tensor, i: number) => withSeed(seeds[i]!, () => train(xs));
  const read = (i: number) => pieceAt(pieces, i);
  return tf.tidy(() => {
    const summaries = summariesOf(whole, read, pieces.length, logits);
    // A network may create its variables when it runs for the first time.
    checkTrainable(variables ?? Object.values(tf.engine().registeredVariables));
    const { parts, kept } = whole.join(summaries);
    const scaled = <T extends Tensor>(x: T): T => (lossScale === 1 ? x : tf.mul<T>(x, lossScale));
    const { value, grads: upstream } = tf.valueAndGrads((...all: Tensor[]) => scaled(whole.value(all, kept)))(parts);
    checkScalar(value);
    const shares = whole.split(upstream, summaries);

    let sum: NamedTensorMap = {};
    for (const [i, share] of shares.entries()) {
      const before = sum;
      sum = tf.tidy(() => {
        const piece = read(i);
        // The gradient of this sum is the part of the loss's gradient that flows through this piece.
        const linear = () => {
          const inPiece = whole.summarize(piece, logits(piece.xs, i)).parts;
          const terms = inPiece.map((part, t) => tf.sum<Scalar>(tf.mul(part, share[t]!)));
          return tf.addN(i === 0 ? [...terms, ...penalties().map(scaled)] : terms);
        };
        return added(before, tf.variableGrads(linear, variables).grads);
      });
      tf.dispose(before);
    }
    const unscaled = lossScale === 1 ? value : tf.mul<Scalar>(value, 1 / lossScale);
    return { value: tf.addN([unscaled, ...penalties()]), grads: sum };
  });
}

function checkVariables(given: unknown): void {
  const all = entriesOf(given);
  if (!all?.every((variable) => variable instanceof tf.Variable)) {
    fail(`variables must be a list of tf.Variable, got ${show(given)}`);
  }
  checkTrainable(all as Variable[]);
}

function checkTrainable(variables: readonly Variable[]): void {
  if (variables.some(({ trainable }) => trainable)) return;
  fail(`needs a trainable variable, got ${variables.length}, none of them trainable`);
}

/** The summary of each piece. Call it inside tf.tidy. */
function summariesOf(
  whole: WholeLoss,
  read: (index: number) => Piece,
  length: number,
  logits: (xs: Tensor, index: number) => Tensor,
): Summary[] {
  return Array.from({ length }, (_, i) =>
    tf.tidy(() => {
      const piece = read(i);
      return whole.summarize(piece, logits(piece.xs, i));
    }),
  );
}

function added(a: NamedTensorMap, b: NamedTensorMap): NamedTensorMap {
  const sums = Object.entries(b).map(([name, gradient]) => [name, a[name] ? tf.add(a[name], gradient) : gradient]);
  return { ...a, ...Object.fromEntries(sums) } as NamedTensorMap;
}
