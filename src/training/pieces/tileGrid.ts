import { inFunction } from '../../argumentError.js';
import { checkInteger, checkOptionNames, entriesOf, fail, MOST_COUNTED, show, showShape } from '../../checks.js';

export interface TileOptions {
  /** The size of a tile in pixels: a number for all spatial axes, or one for each; at most that of the whole. */
  size: number | readonly number[];
  /**
   * The number of pixels that neighbouring tiles share: a number for all axes, or one for each; smaller than the size.
   * Half of it is context, which belongs to the core of the neighbour. Default 0: tiles do not overlap.
   */
  overlap?: number | readonly number[];
  /** Tiles begin at multiples of this number, for instance the factor by which a network downsamples. Default 1. */
  align?: number;
}

/** The place of a tile, and its core. The cores of all tiles are disjoint and cover the whole. */
export interface Tile {
  start: number[];
  size: number[];
  core: { start: number[]; size: number[] };
}

/**
 * Tiles that cover a whole, in row-major order. The border between two cores lies in the middle of the overlap. A
 * network whose output at a pixel depends on at most overlap/2 pixels around it therefore computes the same in each
 * core as for the whole. The last tile of an axis ends where the whole ends, so it may share more pixels with its
 * neighbour.
 *
 * @param shape the spatial shape of the whole
 * @throws if size, overlap or align does not fit, for instance if a tile would be larger than the whole
 *
 * @example
 * ```ts
 * const grid = tileGrid([100], { size: 40, overlap: 8 });
 * grid.map(({ start }) => start[0]); // [0, 32, 60]
 * grid.map(({ core }) => core.start[0]); // [0, 36, 66]
 * ```
 */
export function tileGrid(shape: readonly number[], options: TileOptions): Tile[] {
  return inFunction('tileGrid', () => gridOf(shape, options));
}

export function gridOf(axes: readonly number[], options: TileOptions): Tile[] {
  checkOptionNames(options, ['size', 'overlap', 'align']);
  const { align = 1 } = options;
  const shape = entriesOf(axes) as number[] | null;
  if (!shape) fail(`shape must be a list of sizes, got ${show(axes)}`);
  shape.forEach((length, i) => checkInteger(`shape[${i}]`, length, 1));
  checkInteger('align', align, 1);
  const sizes = perAxis('size', options.size, shape, 1);
  if (sizes.some((size, i) => size > shape[i]!)) {
    fail(`size must be at most that of the whole, got size ${showShape(sizes)} for the axes ${showShape(shape)}`);
  }
  const overlaps = perAxis('overlap', options.overlap ?? 0, shape, 0);
  const tiles = shape.reduce((count, length, i) => count * tilesAlong(length, sizes[i]!, overlaps[i]!), 1);
  if (tiles > MOST_COUNTED) {
    fail(
      `at most ${MOST_COUNTED} tiles fit into memory, got ${tiles} of size ${showShape(sizes)} for ${showShape(shape)}`,
    );
  }
  const spansOf = shape.map((length, i) => spans(length, sizes[i]!, overlaps[i]!, align));
  // The product of the axes; the last axis varies fastest.
  return spansOf.reduce<Tile[]>(
    (tiles, axis) => tiles.flatMap((tile) => axis.map((span) => extended(tile, span))),
    [{ start: [], size: [], core: { start: [], size: [] } }],
  );
}

/**
 * The approximate number of tiles along an axis, for the limit on their number. The overlap is checked later, by
 * `spans`.
 */
const tilesAlong = (length: number, size: number, overlap: number): number =>
  Math.ceil(Math.max(length - overlap, 1) / Math.max(size - overlap, 1));

function perAxis(name: string, value: unknown, shape: readonly number[], least: number): number[] {
  const list = entriesOf(value) ?? shape.map(() => value);
  if (list.length !== shape.length) {
    fail(`${name} must be a number or one for each of the spatial axes ${showShape(shape)}, got ${show(value)}`);
  }
  list.forEach((item) => checkInteger(name, item, least));
  return list as number[];
}

/** A tile and its core along one axis. */
interface Span {
  start: number;
  size: number;
  core: { start: number; size: number };
}

function spans(length: number, size: number, overlap: number, align: number): Span[] {
  const stride = size - overlap;
  if (stride < 1) fail(`overlap must be less than size, got ${overlap} and ${size}`);
  const last = length - size;
  if (last > 0 && (stride % align !== 0 || last % align !== 0)) {
    fail(
      `tiles must begin at multiples of align: size - overlap (${stride}) and whole - size (${last}) must be ` +
        `multiples of ${align}`,
    );
  }
  const starts = Array.from({ length: Math.ceil(last / stride) + 1 }, (_, i) => Math.min(i * stride, last));
  // The border between two cores is in the middle of the overlap.
  const borders = starts.slice(1).map((start, i) => Math.floor((start + starts[i]! + size) / 2));
  return starts.map((start, i) => {
    const [from, to] = [i === 0 ? 0 : borders[i - 1]!, borders[i] ?? length];
    return { start, size, core: { start: from, size: to - from } };
  });
}

function extended({ start, size, core }: Tile, span: Span): Tile {
  return {
    start: [...start, span.start],
    size: [...size, span.size],
    core: { start: [...core.start, span.core.start], size: [...core.size, span.core.size] },
  };
}
