import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../../argumentError.js';
import { checkInteger, checkTensor, fail, show, showShape } from '../../checks.js';

/** A part of a batch or of a volume: the input of the network, its labels, and the weights of its pixels. */
export interface Piece {
  xs: Tensor;
  ys: Tensor;
  /** `[N, ...spatial]`, the option `mask` of the loss. */
  mask?: Tensor | undefined;
}

/**
 * Pieces of a whole, read one after the other: an array, or an object whose `at` makes a piece, or reads it from a
 * disk, each time it is called, so that no two pieces have to be in memory at once. Tensors that `at` makes are
 * disposed after use; tensors that existed before are not.
 */
export interface Pieces {
  readonly length: number;
  at(index: number): Piece | undefined;
  /**
   * The kind of pieces: different `'samples'` of a batch (default), or `'tiles'`, which are parts of the same samples.
   * The masks of tiles must make them disjoint.
   */
  readonly of?: 'samples' | 'tiles';
}

/** Micro-batches of a batch. */
export interface MicroBatches extends Pieces {
  readonly of: 'samples';
  at(index: number): Piece;
}

/**
 * Divides a batch into micro-batches, each cut out when it is needed.
 *
 * @param batch `xs`, `ys` and, if there is one, `mask`, with the samples along the first axis
 * @param size the number of samples in a micro-batch; the last one may have fewer
 * @throws if the tensors differ in their number of samples, or size is not an integer >= 1
 *
 * @example
 * ```ts
 * const batch = { xs: tf.zeros([10, 8, 8, 3]), ys: tf.zeros([10, 8, 8, 2]) };
 * const pieces = microBatches(batch, 4);
 * pieces.length; // 3
 * pieces.at(2).xs; // shape [2, 8, 8, 3]
 * ```
 */
export function microBatches(batch: Piece, size: number): MicroBatches {
  return inFunction('microBatches', () => {
    checkPiece('batch', batch);
    checkInteger('size', size, 1);
    const [samples] = batch.xs.shape as [number];
    return {
      of: 'samples',
      length: Math.ceil(samples / size),
      at(index) {
        const count = Math.min(size, samples - index * size);
        const cut = (x: Tensor) => tf.slice(x, index * size, count);
        return { xs: cut(batch.xs), ys: cut(batch.ys), ...(batch.mask && { mask: cut(batch.mask) }) };
      },
    };
  });
}

export function checkPiece(name: string, piece: unknown): asserts piece is Piece {
  if (typeof piece !== 'object' || piece === null) fail(`${name} must be { xs, ys, mask? }, got ${show(piece)}`);
  const { xs, ys, mask } = piece as Partial<Piece>;
  checkTensor(`${name}.xs`, xs);
  checkTensor(`${name}.ys`, ys);
  if (mask !== undefined) checkTensor(`${name}.mask`, mask);
  for (const [other, tensor] of Object.entries({ ys, mask })) {
    if (tensor && tensor.shape[0] !== xs.shape[0]) {
      const shapes = `${name}.xs ${showShape(xs.shape)} and ${name}.${other} ${showShape(tensor.shape)}`;
      fail(`${shapes} differ in samples`);
    }
  }
}

export function checkPieces(pieces: unknown): asserts pieces is Pieces {
  const { length, at, of = 'samples' } = (pieces ?? {}) as Partial<Pieces>;
  if (!Number.isInteger(length) || typeof at !== 'function') {
    fail(`pieces must be a list, or an object with length and at(index), got ${show(pieces)}`);
  }
  if (length === 0) fail('needs at least one piece');
  if (of !== 'samples' && of !== 'tiles') fail(`pieces.of must be 'samples' or 'tiles', got ${show(of)}`);
}

/** The piece at an index, checked. Call it inside tf.tidy. */
export function pieceAt(pieces: Pieces, index: number): Piece {
  const piece = pieces.at(index);
  checkPiece(`pieces[${index}]`, piece);
  return piece;
}
