/**
 * A generator of random numbers in [0, 1) that depend only on the seeds: they are the same in every run and on every
 * machine. Each list of seeds, for instance that of a run and that of an epoch, has its own sequence. The algorithm is
 * mulberry32. Its 32 bits of state are enough for weights and orders.
 */
export function generator(...seeds: readonly number[]): () => number {
  let state = seeds.reduce((mixed, seed) => scramble(mixed ^ scramble(seed | 0)) + 0x9e3779b9, 0) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    return scramble(state) / 2 ** 32;
  };
}

function scramble(x: number): number {
  let t = Math.imul(x ^ (x >>> 15), 1 | x);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return (t ^ (t >>> 14)) >>> 0;
}
