/**
 * Damaged copies of a file, for tests that damaged files are refused or repaired: each byte flipped in turn, and the
 * file cut off at each length. `npm test` takes some of the cases; `npm run test:damage` takes all of them, or for
 * large files more than `npm test`.
 */
import { randomNumbers } from '../support/random.js';

export interface Damage {
  /** For messages: `byte 12 of 300 flipped by 0x40`, `cut off after 17 of 300 bytes`. */
  what: string;
  bytes: Uint8Array;
}

export interface DamageOptions {
  /** The number of flipped bytes, and of cuts, in `npm test`. Default 40. */
  some?: number;
  /** The largest number of each in `npm run test:damage`. Default: all. */
  most?: number;
}

/** True if all cases are wanted rather than a bounded number. */
export const wholeCorpus = process.env['SOFTSEG_DAMAGE'] === 'whole';

export function* damaged(bytes: Uint8Array, options: DamageOptions = {}): Generator<Damage> {
  yield* flipped(bytes, options);
  yield* truncated(bytes, options);
}

/** Flips each byte, once in one bit (a different one from byte to byte) and once in all bits. */
export function* flipped(bytes: Uint8Array, options: DamageOptions = {}): Generator<Damage> {
  for (const at of places(bytes.length, options)) {
    for (const mask of [1 << ((at * 5) % 8), 0xff]) {
      const copy = Uint8Array.from(bytes);
      copy[at]! ^= mask;
      yield { what: `byte ${at} of ${bytes.length} flipped by 0x${mask.toString(16)}`, bytes: copy };
    }
  }
}

/** The beginning of the file, as if writing had ended early. */
export function* truncated(bytes: Uint8Array, options: DamageOptions = {}): Generator<Damage> {
  for (const at of places(bytes.length, options)) {
    yield { what: `cut off after ${at} of ${bytes.length} bytes`, bytes: bytes.slice(0, at) };
  }
}

/** The first few positions, the last few, and some in between. */
function places(length: number, { some = 40, most = Infinity }: DamageOptions): number[] {
  const wanted = Math.min(length, wholeCorpus ? most : some);
  if (wanted === length) return Array.from({ length }, (_, i) => i);
  const ends = Math.min(8, wanted >> 1);
  const chosen = new Set<number>();
  for (let i = 0; i < ends; i++) chosen.add(i).add(length - 1 - i);
  const draw = randomNumbers(length);
  while (chosen.size < wanted) chosen.add(Math.floor(draw() * length));
  return [...chosen].sort((a, b) => a - b);
}
