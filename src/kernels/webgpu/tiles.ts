/** Divides pixels into tiles, and tiles among workgroups of 64 lanes, so that a tile fits a workgroup's memory. */
import type { FusedPass } from '../fused/passes.js';

export const LANES = 64;

/** Floats of a tile. Every device gives a workgroup at least 16 KiB; five values for each lane are set aside. */
const TILE_FLOATS = 4096 - 5 * LANES;
/** The most tiles of a workgroup that computes sums. */
const MOST_TILES = 16;

/** The tiles that one program works on, and how its workgroups share them. */
export interface TileLayout {
  /** Pixels in a tile; where something is computed per pixel, each has a lane. */
  width: number;
  /** Distance in memory from one class of a tile to the next; odd, so that lanes of different classes share no bank. */
  stride: number;
  /** Tiles in a sample. */
  count: number;
  /** For sums: the number of classes that a workgroup computes. */
  block: number;
  /** For sums: the number of lanes for each of these classes. */
  slices: number;
  /** For sums: the number of workgroups that cover all classes. */
  blocks: number;
  /** For sums: the number of tiles that a workgroup goes through. */
  run: number;
  /** For sums: the number of workgroups that cover all tiles of a sample. */
  runs: number;
}

/** The layout; null if the classes of a single pixel do not fit into a workgroup's memory. */
export function tilesOf({ labelKind, classes, pixels }: FusedPass): TileLayout | null {
  const rows = labelKind === 'indices' ? classes : 2 * classes;
  let width = LANES;
  while (width > 0 && rows * (width | 1) > TILE_FLOATS) width--;
  if (width === 0) return null;
  const count = Math.ceil(pixels / width);
  const block = Math.min(LANES, classes);
  const run = Math.min(MOST_TILES, Math.ceil(count / LANES));
  return {
    width,
    stride: width | 1,
    count,
    block,
    slices: Math.floor(LANES / block),
    blocks: Math.ceil(classes / block),
    run,
    runs: Math.ceil(count / run),
  };
}
