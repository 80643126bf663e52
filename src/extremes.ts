/** The largest value, or NaN if one is NaN. Math.max(...values) would overflow the stack if there are many values. */
export function largest(values: Iterable<number>): number {
  let most = -Infinity;
  for (const value of values) most = Math.max(most, value);
  return most;
}
