/**
 * Numbers in [0, 1), a function of the seeds alone: the same in every run and on every machine. Each list of seeds, say a
 * run's and an epoch's, has a sequence of its own. (mulberry32: 32 bits of state, enough to draw weights and orders with.)
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
