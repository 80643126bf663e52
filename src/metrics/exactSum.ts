/**
 * A sum of numbers that is rounded only once, when it is read. It is therefore the same whatever order the numbers came
 * in, and whether or not parts of them were summed separately and merged later. The sum is kept exactly, as a short
 * list of numbers that do not overlap, which means that no two have significant bits in the same places (Shewchuk,
 * Adaptive precision floating-point arithmetic, 1997).
 */
export class ExactSum {
  private constructor(private parts: number[] = []) {}

  static zero(): ExactSum {
    return new ExactSum();
  }

  /** Restores a sum from the result of `toJSON`. */
  static of(parts: readonly number[]): ExactSum {
    const sum = new ExactSum();
    for (const part of parts) sum.add(part);
    return sum;
  }

  add(value: number): void {
    let rest = value;
    const kept: number[] = [];
    for (const part of this.parts) {
      const [larger, smaller] = Math.abs(rest) < Math.abs(part) ? [part, rest] : [rest, part];
      const sum = larger + smaller;
      const error = smaller - (sum - larger);
      if (error !== 0) kept.push(error);
      rest = sum;
    }
    if (rest !== 0) kept.push(rest);
    this.parts = kept;
  }

  merge(other: ExactSum): void {
    for (const part of [...other.parts]) this.add(part);
  }

  /** The double that is nearest to the sum. */
  value(): number {
    const parts = this.parts;
    let [i, sum, error] = [parts.length - 1, 0, 0];
    for (; i >= 0 && error === 0; i--) {
      const part = parts[i]!;
      const next = sum + part;
      error = part - (next - sum);
      sum = next;
    }
    // If the first error is half a unit in the last place, the sign of the parts after it decides which way to round.
    const next = i >= 0 ? parts[i]! : 0;
    if (error !== 0 && next !== 0 && error < 0 === next < 0) {
      const twice = error * 2;
      if (twice === sum + twice - sum) return sum + twice;
    }
    return sum;
  }

  /**
   * The sum as a list of numbers, the largest first. The list depends on the value of the sum alone, not on the order
   * in which numbers were added.
   */
  toJSON(): number[] {
    const rest = new ExactSum([...this.parts]);
    const parts: number[] = [];
    for (let value = rest.value(); value !== 0; value = rest.value()) {
      parts.push(value);
      rest.add(-value);
    }
    return parts;
  }
}
