/** Labels and predictions to start from. */
import { random } from '../../../examples/brain/random.js';

export const SIZE = 32;
export const PIXELS = SIZE * SIZE;
export const ANNOTATORS = 3;

/** The masks of 0 and 1, one for each annotator. */
export type Masks = Uint8Array[];

const fill = <A extends Uint8Array | Float32Array>(pixels: A, at: (row: number, column: number) => number): A => {
  for (let i = 0; i < PIXELS; i++) pixels[i] = at(Math.floor(i / SIZE), i % SIZE);
  return pixels;
};

const mask = (inside: (row: number, column: number) => boolean) =>
  fill(new Uint8Array(PIXELS), (row, column) => Number(inside(row, column)));

const disc = (y: number, x: number, radius: number) => (row: number, column: number) =>
  Math.hypot(row - y, column - x) <= radius;

/** A wavy band from one side to the other. */
const vessel = (shift: number, width: number) => (row: number, column: number) =>
  Math.abs(row - 16 - shift - 6 * Math.sin(column / 5)) <= width;

export const LABELS: Record<string, { title: string; masks(): Masks }> = {
  annotators: {
    title: 'Three experts',
    masks: () => [mask(disc(15, 14, 7)), mask(disc(16, 16, 8)), mask(disc(17, 17, 6))],
  },
  disc: { title: 'A disc', masks: () => repeat(mask(disc(15.5, 15.5, 7.5))) },
  small: {
    title: 'Small structures',
    masks: () => repeat(mask((r, c) => disc(8, 9, 2)(r, c) || disc(22, 22, 3)(r, c))),
  },
  vessel: { title: 'A vessel', masks: () => [mask(vessel(0, 1.2)), mask(vessel(0.6, 1.6)), mask(vessel(-0.4, 1))] },
  empty: { title: 'Nothing', masks: () => repeat(mask(() => false)) },
};

const repeat = (one: Uint8Array): Masks => Array.from({ length: ANNOTATORS }, () => one.slice());

/**
 * The share of annotators who marked each pixel, as softLabelsFromMasks computes it; predictions are derived from it.
 */
const share = (masks: Masks) =>
  Float32Array.from({ length: PIXELS }, (_, i) => masks.reduce((sum, one) => sum + one[i]!, 0) / masks.length);

const moved = (values: Float32Array, down: number, right: number) =>
  fill(new Float32Array(PIXELS), (row, column) => {
    const [y, x] = [row - down, column - right];
    return y >= 0 && x >= 0 && y < SIZE && x < SIZE ? values[y * SIZE + x]! : 0;
  });

const blurred = (values: Float32Array, radius: number) =>
  fill(new Float32Array(PIXELS), (row, column) => {
    let [sum, count] = [0, 0];
    for (let y = Math.max(0, row - radius); y <= Math.min(SIZE - 1, row + radius); y++) {
      for (let x = Math.max(0, column - radius); x <= Math.min(SIZE - 1, column + radius); x++) {
        sum += values[y * SIZE + x]!;
        count++;
      }
    }
    return sum / count;
  });

export const PREDICTIONS: Record<string, { title: string; from(masks: Masks): Float32Array }> = {
  shifted: { title: 'Shifted', from: (masks) => blurred(moved(share(masks), 3, 4), 1) },
  same: { title: 'Same as the label', from: share },
  noisy: {
    title: 'Noisy',
    from: (masks) => {
      const next = random(7);
      return share(masks).map((p) => 0.15 + 0.5 * p + 0.35 * (next() - 0.5));
    },
  },
  blurry: { title: 'Blurry', from: (masks) => blurred(share(masks), 3) },
  rounded: { title: 'Rounded', from: (masks) => share(masks).map((p) => Number(p > 0.5)) },
  unsure: { title: 'All 0.5', from: () => new Float32Array(PIXELS).fill(0.5) },
  nothing: { title: 'Nothing', from: () => new Float32Array(PIXELS) },
};
