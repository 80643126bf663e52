/** Not Math.max(...values): as many arguments as there may be values do not fit on the stack. NaN if a value is NaN. */
export function largest(values: Iterable<number>): number {
  let most = -Infinity;
  for (const value of values) most = Math.max(most, value);
  return most;
}
