/** A dense float64 array in row-major order. `dtype: 'int32'` marks class indices (the values are still float64). */
export interface NdArray {
  shape: number[];
  data: Float64Array;
  dtype?: 'int32';
}

type Nested = number | boolean | readonly Nested[];

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function zeros(shape: readonly number[]): NdArray {
  return { shape: [...shape], data: new Float64Array(sizeOf(shape)) };
}

/** Makes an array from nested lists, or from a flat list and a shape. */
export function ndarray(values: Nested | Float32Array | Int32Array | Uint8Array, shape?: readonly number[]): NdArray {
  const numbers = ArrayBuffer.isView(values) ? [...values] : flatten(values);
  const array = { shape: [...(shape ?? nestedShape(values as Nested))], data: Float64Array.from(numbers) };
  if (array.data.length !== sizeOf(array.shape)) {
    throw new Error(`ndarray: ${array.data.length} values do not fill the shape [${array.shape.join(',')}]`);
  }
  return array;
}

/** The same as ndarray, marked as int32. */
export function indices(values: Nested | Int32Array, shape?: readonly number[]): NdArray {
  return { ...ndarray(values, shape), dtype: 'int32' };
}

export function scalar(value: number): NdArray {
  return { shape: [], data: Float64Array.of(value) };
}

/** The only value of an array of size 1. */
export function item(array: NdArray): number {
  if (array.data.length !== 1) throw new Error(`item: the shape is [${array.shape.join(',')}]`);
  return at(array.data, 0);
}

export function map(array: NdArray, f: (value: number, index: number) => number): NdArray {
  return { shape: [...array.shape], data: array.data.map(f) };
}

export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += at(values, i);
  return total;
}

/** values[index], which must exist. */
export function at(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  if (value === undefined) throw new Error(`index ${index} is outside 0..${values.length - 1}`);
  return value;
}

/** The axis counted from the front; a negative axis counts from the end. */
export function resolveAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** For every line of the array along the axis, the indices of its elements in data. */
export function linesAlong(array: NdArray, axis: number): number[][] {
  const a = resolveAxis(axis, array.shape.length);
  const size = at(array.shape, a);
  const before = sizeOf(array.shape.slice(0, a));
  const after = sizeOf(array.shape.slice(a + 1));
  const lines: number[][] = [];
  for (let i = 0; i < before; i++) {
    for (let j = 0; j < after; j++) {
      lines.push(Array.from({ length: size }, (_, k) => (i * size + k) * after + j));
    }
  }
  return lines;
}

function flatten(values: Nested): number[] {
  return isList(values) ? values.flatMap(flatten) : [Number(values)];
}

function nestedShape(values: Nested | ArrayLike<number>): number[] {
  if (ArrayBuffer.isView(values)) return [(values as unknown as ArrayLike<number>).length];
  if (!isList(values as Nested)) return [];
  const list = values as readonly Nested[];
  return [list.length, ...(list.length > 0 ? nestedShape(list[0] as Nested) : [])];
}

function isList(values: Nested): values is readonly Nested[] {
  return Array.isArray(values);
}
