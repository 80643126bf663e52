/** The part of tfjs's webgl backend that is used here. softseg never imports that backend; the page does. */
import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';

export interface WebglBackend {
  runWebGLProgram(
    program: Program,
    inputs: TensorInfo[],
    dtype: DataType,
    uniforms: number[][],
    keepsPacked?: boolean,
  ): TensorInfo;
  unpackTensor(packed: TensorInfo): TensorInfo;
  makeTensorInfo(shape: number[], dtype: DataType, values: Float32Array): TensorInfo;
  disposeData(dataId: object): boolean;
  texData: { get(dataId: object): { isPacked?: boolean } };
}

/** A fragment shader in the backend's form. The backend adds the declarations of inputs, uniforms and `setOutput`. */
interface Program {
  variableNames: string[];
  outputShape: number[];
  /** The backend compiles a program again for other code, but not for other sizes if these are uniforms. */
  enableShapeUniforms: true;
  /** Blocks of 2 x 2 values in a texel. */
  packedInputs?: boolean;
  packedOutput?: boolean;
  customUniforms: { name: string; type: 'int' | 'float' }[];
  userCode: string;
}

/** Numbers that the programs read. Each program declares all of them; compilers drop the ones that it does not use. */
export interface Uniforms {
  samples: number;
  pixels: number;
  /** For sums: the pixels that one texel of the first program adds up, and the number of such runs in a sample. */
  run: number;
  runs: number;
  sharpness: number;
  /** Smoothed labels are keep·t + share. */
  keep: number;
  share: number;
  /** The exponent and the balance of a focal term. */
  gamma: number;
  alpha: number;
  /** A factor of the results. */
  scale: number;
}

export const NO_NUMBERS: Uniforms = {
  samples: 0,
  pixels: 0,
  run: 0,
  runs: 0,
  sharpness: 0,
  keep: 0,
  share: 0,
  gamma: 0,
  alpha: 0,
  scale: 1,
};

const INTEGERS = ['samples', 'pixels', 'run', 'runs'] as const;
const FLOATS = ['sharpness', 'keep', 'share', 'gamma', 'alpha', 'scale'] as const;
const DECLARATIONS = [
  ...INTEGERS.map((name) => ({ name, type: 'int' as const })),
  ...FLOATS.map((name) => ({ name, type: 'float' as const })),
];

/**
 * Runs a program with a texel for each value of a matrix; `getOutputCoords()` is its row and column. It reads `inputs`
 * as flat arrays, by getName(index). (Results are matrices because the backend compiles a program again where a result
 * has the rank and the texture's size of an input.)
 *
 * With `packed: 'output'` each texel has a vec4 of its own. The result has twice the rows and columns, because tfjs
 * counts a texel as a block of 2 x 2 values. With `packed: 'inputs'` such results are read, by getName(row, column).
 */
export function runProgram(
  backend: WebglBackend,
  code: string,
  outputShape: [rows: number, columns: number],
  inputs: Record<string, TensorInfo | null>,
  uniforms: Uniforms,
  packed?: 'inputs' | 'output',
): TensorInfo {
  const [rows, columns] = outputShape;
  const present = Object.entries(inputs).filter((entry): entry is [string, TensorInfo] => entry[1] !== null);
  return backend.runWebGLProgram(
    {
      variableNames: present.map(([name]) => name),
      outputShape: packed === 'output' ? [2 * rows, 2 * columns] : outputShape,
      enableShapeUniforms: true,
      packedInputs: packed === 'inputs',
      packedOutput: packed === 'output',
      customUniforms: DECLARATIONS,
      userCode: code,
    },
    present.map(([, x]) => (packed === 'inputs' ? x : { dataId: x.dataId, dtype: x.dtype, shape: [sizeOf(x.shape)] })),
    'float32',
    [...INTEGERS, ...FLOATS].map((name) => [uniforms[name]]),
    true,
  );
}

/** Calls `body` with a function that takes tensors which are disposed at the end. */
export function withTemporaries<T>(backend: WebglBackend, body: (keep: (made: TensorInfo) => TensorInfo) => T): T {
  const all: TensorInfo[] = [];
  try {
    return body((made) => {
      all.push(made);
      return made;
    });
  } finally {
    for (const { dataId } of all) backend.disposeData(dataId);
  }
}

/**
 * The tensor with one value in each texel, in the order of memory. Ops of tfjs keep most of their results packed, with
 * blocks of 2 x 2 values in a texel.
 */
export function unpacked(backend: WebglBackend, x: TensorInfo, keep: (made: TensorInfo) => TensorInfo): TensorInfo {
  if (!backend.texData.get(x.dataId).isPacked) return x;
  // Blocks lie in the last two axes. The backend has no fast way for more than two axes before these.
  const { shape } = x;
  const fewAxes = shape.length <= 4 ? shape : [sizeOf(shape.slice(0, -2)), ...shape.slice(-2)];
  return keep(backend.unpackTensor({ ...x, shape: fewAxes }));
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);
