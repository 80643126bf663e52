/** How pixels are divided among workgroups of 64 lanes, and a workgroup's memory among what they share. */
import type { FusedPass } from '../fused/passes.js';

export const LANES = 64;

/** Of the 16 KiB that every device gives a workgroup: what a tile may take, beside five values for each lane. */
const TILE_FLOATS = 4096 - 5 * LANES;
/** Of a workgroup that adds up sums. */
const MOST_TILES = 16;

/** The tiles that one program works on, and how its workgroups share them. */
export interface TileLayout {
  /** Pixels of a tile: a lane each where something is computed per pixel. */
  width: number;
  /** From one class of a tile to the next; odd, so that lanes that go from class to class meet different banks. */
  stride: number;
  /** Tiles of a sample. */
  count: number;
  /** Of the sums: classes whose sums a workgroup adds up, lanes for each of them, and workgroups for all classes. */
  block: number;
  slices: number;
  blocks: number;
  /** Of the sums: tiles of a workgroup, one after the other, and workgroups for all of them. */
  run: number;
  runs: number;
}

/** null where a pixel's classes do not fit. */
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
