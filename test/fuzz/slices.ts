import { sizeOf } from '../reference/index.js';
import { valuesOf, type TensorSpec } from './call.js';

/** The samples from..to of a tensor whose first axis holds the samples. */
export function sliced(spec: TensorSpec, from: number, to: number): TensorSpec {
  const row = sizeOf(spec.shape.slice(1));
  return { ...spec, shape: [to - from, ...spec.shape.slice(1)], of: valuesOf(spec).slice(from * row, to * row) };
}
