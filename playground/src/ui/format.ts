/** Numbers formatted for readers, with a typographic minus sign. */

const minus = (text: string) => text.replaceAll('-', '−');

/** A number with `digits` digits after the decimal point. */
export const fixed = (value: number, digits: number) =>
  Number.isFinite(value) ? minus(value.toFixed(digits)).replace(/^−(0(?:\.0+)?)$/, '$1') : minus(String(value));

/** A number with `digits` significant digits, and a power of ten if there would be many zeros. */
export function significant(value: number, digits = 3): string {
  if (value === 0 || !Number.isFinite(value)) return minus(String(value === 0 ? 0 : value));
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e5) return minus(value.toPrecision(digits));
  return minus(value.toExponential(digits - 1));
}
