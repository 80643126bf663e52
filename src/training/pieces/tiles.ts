import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../../argumentError.js';
import { checkTensor, fail, showShape } from '../../checks.js';
import { resolveForward, type Network } from './forward.js';
import { checkPiece, type Piece, type Pieces } from './pieces.js';
import { gridOf, type Tile, type TileOptions } from './tileGrid.js';

/** The tiles of a volume as pieces, and the grid of their places. */
export interface Tiles extends Pieces {
  readonly of: 'tiles';
  readonly grid: readonly Tile[];
  at(index: number): Piece;
}

/**
 * Divides an image or a volume into tiles, each cut out when it is needed, for `accumulateGrads`, `minimizePieces` and
 * `lossOfPieces`. The mask of a tile leaves out all pixels outside its core, so each pixel counts once. The loss and
 * its gradient equal those of the whole if the output of the network at a pixel depends on at most overlap/2 pixels
 * around it (see `tileGrid`). Otherwise they differ, because the network sees the borders of the tiles.
 *
 * @param whole `xs` and `ys` as `[N, ...spatial, channels]`, `ys` also as class indices `[N, ...spatial]`
 * @throws if shapes or options do not fit
 *
 * @example
 * ```ts
 * const volume = { xs: tf.randomNormal([1, 16, 16, 16, 1]), ys: tf.zeros([1, 16, 16, 16], 'int32') };
 * const network = tf.sequential({
 *   layers: [tf.layers.conv3d({ inputShape: [null, null, null, 1], filters: 2, kernelSize: 3, padding: 'same' })],
 * });
 * const pieces = tiles(volume, { size: 10, overlap: 4 });
 * pieces.length; // 8
 * lossOfPieces(iouLoss, network, pieces); // = iouLoss(volume.ys, network.predict(volume.xs))
 * ```
 */
export function tiles(whole: Piece, options: TileOptions): Tiles {
  return inFunction('tiles', () => {
    checkPiece('whole', whole);
    const { xs, ys, mask } = whole;
    const spatial = spatialOf('xs', xs);
    for (const [name, tensor] of Object.entries({ ys, mask })) {
      const own = tensor?.shape.slice(1, 1 + spatial.length);
      if (own && showShape(own) !== showShape(spatial)) {
        fail(`${name} ${showShape(tensor!.shape)} and xs ${showShape(xs.shape)} differ in their spatial axes`);
      }
    }
    const grid = gridOf(spatial, options);
    return {
      of: 'tiles',
      length: grid.length,
      grid,
      at(index) {
        const tile = grid[index]!;
        const own = ownPixels(tile, xs.shape[0]!);
        const weights = mask && cut(mask, tile);
        const both = own && weights ? tf.mul(own, weights) : (own ?? weights);
        return { xs: cut(xs, tile), ys: cut(ys, tile), ...(both && { mask: both }) };
      },
    };
  });
}

/**
 * The output of a network for an image or a volume that goes through it tile by tile: the outputs for the cores,
 * joined. Apart from the input and the output, only one tile is in memory at a time.
 *
 * @param network a model of tfjs-layers, or `(xs) => output`; its output must have the spatial shape of its input
 * @param xs `[N, ...spatial, channels]`
 * @returns `[N, ...spatial, C]`
 * @throws if shapes or options do not fit
 *
 * @example
 * ```ts
 * const xs = tf.randomNormal([1, 20, 20, 3]);
 * const network = tf.sequential({
 *   layers: [tf.layers.conv2d({ inputShape: [null, null, 3], filters: 2, kernelSize: 3, padding: 'same' })],
 * });
 * predictTiles(network, xs, { size: 8, overlap: 2 }); // = network.predict(xs)
 * ```
 */
export function predictTiles(network: Network, xs: Tensor, options: TileOptions): Tensor {
  return inFunction('predictTiles', () => {
    checkTensor('xs', xs);
    const spatial = spatialOf('xs', xs);
    const grid = gridOf(spatial, options);
    const { predict } = resolveForward(network);
    return tf.tidy(() => {
      const cores = grid.map((tile) =>
        tf.tidy(() => {
          const output = predict(cut(xs, tile));
          const [, ...rest] = output.shape;
          if (showShape(rest.slice(0, spatial.length)) !== showShape(tile.size)) {
            fail(`the output for a tile of ${showShape(tile.size)} must have its size, got ${showShape(output.shape)}`);
          }
          const { start, size } = tile.core;
          return cut(output, { start: start.map((at, i) => at - tile.start[i]!), size });
        }),
      );
      return joined(cores, grid);
    });
  });
}

/** Joins the cores, along the last axis first. */
function joined(cores: Tensor[], grid: readonly Tile[]): Tensor {
  const counts = grid[0]!.start.map((_, axis) => new Set(grid.map(({ start }) => start[axis])).size);
  return counts.reduceRight((parts, count, axis) => {
    const rows = Array.from({ length: parts.length / count }, (_, row) => parts.slice(row * count, (row + 1) * count));
    return rows.map((row) => {
      const whole = tf.concat(row, 1 + axis);
      tf.dispose(row);
      return whole;
    });
  }, cores)[0]!;
}

/** The spatial shape of `[N, ...spatial, channels]`. */
function spatialOf(name: string, { shape }: Tensor): number[] {
  if (shape.length < 3) fail(`${name} must be [N, ...spatial, channels], got shape ${showShape(shape)}`);
  return shape.slice(1, -1);
}

/** A part of `[N, ...spatial, ...]`. */
function cut(x: Tensor, { start, size }: { start: readonly number[]; size: readonly number[] }): Tensor {
  const rest = x.rank - 1 - start.length;
  const all = (value: number) => Array.from({ length: rest }, () => value);
  return tf.slice(x, [0, ...start, ...all(0)], [x.shape[0]!, ...size, ...x.shape.slice(x.rank - rest)]);
}

/** 1 in the core of a tile and 0 around it, [N, ...size]; null if the core is the whole tile. */
function ownPixels({ start, size, core }: Tile, samples: number): Tensor | null {
  if (core.size.every((length, i) => length === size[i])) return null;
  const around = core.start.map((at, i): [number, number] => {
    const before = at - start[i]!;
    return [before, size[i]! - before - core.size[i]!];
  });
  return tf.pad(tf.ones([samples, ...core.size]), [[0, 0], ...around]);
}
