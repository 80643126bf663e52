/** The fused passes as TensorFlow ops; the compiled native/tensorflow.cc must have been loaded before. */
import type { DataId, DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { bitsOf, type Wrt } from '../contract.js';
import type { FusedInputs, FusedPass, FusedPasses } from '../fused/passes.js';

/** The part of tfjs-node's backend that is used here. */
export interface TensorflowBackend {
  binding: { TF_ATTR_INT: number };
  executeSingleOutput(name: string, attributes: unknown[], inputs: TensorInfo[]): TensorInfo;
  write(values: Float32Array, shape: number[], dtype: DataType): DataId;
  disposeData(dataId: DataId): boolean;
}

const activations = ['softmax', 'sigmoid', 'none'] as const;
const noCoefficients: readonly number[] = [];

export function tensorflowPasses(backend: TensorflowBackend): FusedPasses {
  const { TF_ATTR_INT } = backend.binding;

  const execute = (
    op: string,
    { labels, predictions, weights }: FusedInputs,
    pass: FusedPass,
    bits: number,
    coefficients: readonly number[],
    dy?: TensorInfo,
    wrt?: Wrt,
  ): TensorInfo => {
    const attribute = {
      name: 'pass',
      type: TF_ATTR_INT,
      value: [
        activations.indexOf(pass.activation),
        Number(pass.labelKind === 'indices'),
        Number(pass.classesFirst),
        Number(pass.entropy.kind === 'binary'),
        Number(pass.entropy.subtractEntropy),
        Number(pass.entropy.posWeight !== null),
        bits,
        Number(wrt === 'labels'),
      ],
    };
    const parameters = temporary(parametersOf(pass, coefficients));
    const none = weights ? undefined : temporary(new Float32Array(0));
    try {
      const inputs = [labels, predictions, weights ?? none!, parameters];
      return backend.executeSingleOutput(op, [attribute], dy ? [...inputs, dy] : inputs);
    } finally {
      backend.disposeData(parameters.dataId);
      if (none) backend.disposeData(none.dataId);
    }
  };

  const temporary = (values: Float32Array): TensorInfo => {
    const shape = [values.length];
    return { dataId: backend.write(values, shape, 'float32'), shape, dtype: 'float32' };
  };

  return {
    name: 'fused native',
    sums: (inputs, pass, sums) => execute('SoftsegSums', inputs, pass, bitsOf(sums), noCoefficients),
    sumsGradient: (inputs, pass, sums, dy, wrt) =>
      execute('SoftsegSumsGradient', inputs, pass, bitsOf(sums), noCoefficients, dy, wrt),
    entropyMap: (inputs, pass, coefficients) => execute('SoftsegEntropyMap', inputs, pass, 0, coefficients),
    entropyMapGradient: (inputs, pass, coefficients, dy, wrt) =>
      execute('SoftsegEntropyMapGradient', inputs, pass, 0, coefficients, dy, wrt),
  };
}

/** The parameters in the order in which the op reads them. */
function parametersOf(
  { samples, classes, sharpness, entropy }: FusedPass,
  coefficients: readonly number[],
): Float32Array {
  const { labelSmoothing, posWeight } = entropy;
  return Float32Array.from([samples, classes, sharpness, labelSmoothing, ...(posWeight ?? []), ...coefficients]);
}
