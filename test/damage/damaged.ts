/**
 * Damaged copies of a file's bytes, for tests that whatever is read from a disk is refused or repaired: each byte
 * flipped in turn, and the file cut off at each length. `npm test` takes some of them, `npm run test:damage` all (of large
 * files more than `npm test`).
 */
import { randomNumbers } from '../support/random.js';

export interface Damage {
  /** For messages: `byte 12 of 300 flipped by 0x40`, `cut off after 17 of 300 bytes`. */
  what: string;
  bytes: Uint8Array;
}

export interface DamageOptions {
  /** How many flips, and how many cuts, `npm test` makes. Default 40. */
  some?: number;
  /** How many `npm run test:damage` makes at most. Default all. */
  most?: number;
}

/** Whether all cases are wanted, and not a bounded number of them. */
export const wholeCorpus = process.env['SOFTSEG_DAMAGE'] === 'whole';

export function* damaged(bytes: Uint8Array, options: DamageOptions = {}): Generator<Damage> {
  yield* flipped(bytes, options);
  yield* truncated(bytes, options);
}

/** Each byte flipped: in one bit, which differs from byte to byte, and in all. */
export function* flipped(bytes: Uint8Array, options: DamageOptions = {}): Generator<Damage> {
  for (const at of places(bytes.length, options)) {
    for (const mask of [1 << ((at * 5) % 8), 0xff]) {
      const copy = Uint8Array.from(bytes);
      copy[at]! ^= mask;
      yield { what: `byte ${at} of ${bytes.length} flipped by 0x${mask.toString(16)}`, bytes: copy };
    }
  }
}

/** The file as it is when writing ended early. */
export function* truncated(bytes: Uint8Array, options: DamageOptions = {}): Generator<Damage> {
  for (const at of places(bytes.length, options)) {
    yield { what: `cut off after ${at} of ${bytes.length} bytes`, bytes: bytes.slice(0, at) };
  }
}

/** The first and the last few, and some between. */
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
