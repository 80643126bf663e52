import { at, item, type NdArray } from './ndarray.js';

/**
 * The gradient of a scalar function by central differences. With `where` (positions in x.data), only at these, and NaN
 * elsewhere.
 */
export function centralDifference(
  f: (x: NdArray) => NdArray | number,
  x: NdArray,
  h = 1e-6,
  where: readonly number[] = Array.from(x.data.keys()),
): NdArray {
  const gradient = { shape: [...x.shape], data: new Float64Array(x.data.length).fill(NaN) };
  for (const k of where) {
    const above = shifted(x, k, h);
    const below = shifted(x, k, -h);
    // This is the step after rounding.
    const step = at(above.data, k) - at(below.data, k);
    gradient.data[k] = (valueOf(f(above)) - valueOf(f(below))) / step;
  }
  return gradient;
}

function shifted(x: NdArray, k: number, h: number): NdArray {
  const data = Float64Array.from(x.data);
  data[k] = at(data, k) + h;
  return { ...x, data };
}

function valueOf(result: NdArray | number): number {
  return typeof result === 'number' ? result : item(result);
}
