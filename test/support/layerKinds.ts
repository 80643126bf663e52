/** The kinds of layers that segmentation networks use, and what tfjs makes of their gradients on a backend. */
import * as tf from '@tensorflow/tfjs';
import { withSeed } from '../../src/training/index.js';
import { randomArray } from './random.js';

type Layer = tf.layers.Layer;

export interface LayerKind {
  /** The table's row. */
  name: string;
  layer: () => Layer;
  /** The shapes of the inputs without the batch. */
  inputs: number[][];
}

const image = [8, 8, 2];
const volume = [4, 4, 4, 2];
const sequence = [6, 3];
const { layers } = tf;

const one = (name: string, shape: number[], layer: () => unknown): LayerKind => ({
  name,
  layer: layer as () => Layer,
  inputs: [shape],
});
const merge = (name: string, layer: () => unknown): LayerKind => ({
  name,
  layer: layer as () => Layer,
  inputs: [image, image],
});
const conv = { filters: 3, kernelSize: 3, padding: 'same' } as const;
const wide = { filters: 3, kernelSize: 3, padding: 'same', strides: 2 } as const;
const dilated = { ...conv, dilationRate: 2 } as const;
/** hardSigmoid, the default, has kinks, near which slopes cannot be measured. */
const smooth = { recurrentActivation: 'sigmoid' } as const;
const lstm = { units: 3, returnSequences: true, ...smooth };
const activation = (name: string): LayerKind =>
  one(`activation ${name}`, image, () => layers.activation({ activation: name as 'relu' }));

export const LAYER_KINDS: readonly LayerKind[] = [
  one('conv1d', sequence, () => layers.conv1d(conv)),
  one('conv1d, dilated', sequence, () => layers.conv1d(dilated)),
  one('conv2d', image, () => layers.conv2d(conv)),
  one('conv2d, 1×1', image, () => layers.conv2d({ filters: 3, kernelSize: 1 })),
  one('conv2d, strides 2', image, () => layers.conv2d(wide)),
  one('conv2d, dilated', image, () => layers.conv2d(dilated)),
  one('conv2d, dilated, relu', image, () => layers.conv2d({ ...dilated, activation: 'relu' })),
  one('conv2d, channelsFirst', [2, 8, 8], () => layers.conv2d({ ...conv, dataFormat: 'channelsFirst' })),
  one('conv2d with activation', image, () => layers.conv2d({ ...conv, activation: 'relu' })),
  one('conv2d with l1 and l2', image, () => layers.conv2d({ ...conv, kernelRegularizer: tf.regularizers.l1l2() })),
  one('conv2dTranspose', image, () => layers.conv2dTranspose(conv)),
  one('conv2dTranspose, strides 2', image, () => layers.conv2dTranspose(wide)),
  one('depthwiseConv2d', image, () => layers.depthwiseConv2d({ kernelSize: 3, padding: 'same' })),
  one('depthwiseConv2d, strides 2', image, () =>
    layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', strides: 2 }),
  ),
  one('depthwiseConv2d, depthMultiplier 2', image, () =>
    layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', depthMultiplier: 2 }),
  ),
  one('separableConv2d', image, () => layers.separableConv2d(conv)),
  one('separableConv2d, strides 2', image, () => layers.separableConv2d(wide)),
  one('separableConv2d, dilated', image, () => layers.separableConv2d(dilated)),
  one('conv3d', volume, () => layers.conv3d(conv)),
  one('conv3d, strides 2', volume, () => layers.conv3d(wide)),
  one('conv3d, dilated', volume, () => layers.conv3d(dilated)),
  one('conv3dTranspose', volume, () => layers.conv3dTranspose(conv)),
  one('conv3dTranspose, strides 2', volume, () => layers.conv3dTranspose(wide)),
  one('maxPooling1d', sequence, () => layers.maxPooling1d({})),
  one('averagePooling1d', sequence, () => layers.averagePooling1d({})),
  one('globalMaxPooling1d', sequence, () => layers.globalMaxPooling1d({})),
  one('globalAveragePooling1d', sequence, () => layers.globalAveragePooling1d({})),
  one('maxPooling2d', image, () => layers.maxPooling2d({})),
  one('maxPooling2d, overlapping', image, () => layers.maxPooling2d({ poolSize: 2, strides: 1, padding: 'same' })),
  one('averagePooling2d', image, () => layers.averagePooling2d({})),
  one('averagePooling2d, padding same', image, () =>
    layers.averagePooling2d({ poolSize: 3, strides: 1, padding: 'same' }),
  ),
  one('globalMaxPooling2d', image, () => layers.globalMaxPooling2d({})),
  one('globalAveragePooling2d', image, () => layers.globalAveragePooling2d({})),
  one('maxPooling3d', volume, () => layers.maxPooling3d({ poolSize: [1, 2, 2], strides: [1, 2, 2] })),
  one('averagePooling3d', volume, () => layers.averagePooling3d({ poolSize: [2, 2, 2] })),
  one('upSampling2d, nearest', image, () => layers.upSampling2d({})),
  one('upSampling2d, bilinear', image, () => layers.upSampling2d({ interpolation: 'bilinear' })),
  one('resizing', image, () => layers.resizing({ height: 12, width: 10 })),
  one('zeroPadding2d', image, () => layers.zeroPadding2d({ padding: 1 })),
  one('cropping2D', image, () => layers.cropping2D({ cropping: 1 as never })),
  one('centerCrop', image, () => layers.centerCrop({ height: 4, width: 4 })),
  one('batchNormalization', image, () => layers.batchNormalization({})),
  one('batchNormalization, axis 1', image, () => layers.batchNormalization({ axis: 1 })),
  one('batchNormalization, scale false', image, () => layers.batchNormalization({ scale: false })),
  one('batchNormalization of volumes', volume, () => layers.batchNormalization({})),
  one('layerNormalization', image, () => layers.layerNormalization({})),
  one('layerNormalization of volumes', volume, () => layers.layerNormalization({})),
  one('dropout', image, () => layers.dropout({ rate: 0.5 })),
  one('spatialDropout1d', sequence, () => layers.spatialDropout1d({ rate: 0.5 })),
  one('alphaDropout', image, () => layers.alphaDropout({ rate: 0.5 })),
  one('gaussianDropout', image, () => layers.gaussianDropout({ rate: 0.5 })),
  one('gaussianNoise', image, () => layers.gaussianNoise({ stddev: 1 })),
  one('reLU', image, () => layers.reLU()),
  one('reLU, maxValue 6', image, () => layers.reLU({ maxValue: 6 })),
  one('leakyReLU', image, () => layers.leakyReLU()),
  one('prelu', image, () => layers.prelu({ alphaInitializer: 'ones' })),
  one('prelu, sharedAxes', image, () => layers.prelu({ sharedAxes: [1, 2], alphaInitializer: 'ones' })),
  one('elu', image, () => layers.elu()),
  one('thresholdedReLU', image, () => layers.thresholdedReLU()),
  one('softmax', image, () => layers.softmax({ axis: -1 })),
  one('softmax without axis', image, () => layers.softmax()),
  ...['elu', 'selu', 'relu', 'relu6', 'sigmoid', 'hardSigmoid', 'softplus', 'softsign', 'tanh', 'softmax'].map(
    activation,
  ),
  ...['logSoftmax', 'gelu', 'gelu_new', 'mish', 'swish'].map(activation),
  merge('add', () => layers.add()),
  merge('average', () => layers.average()),
  merge('concatenate', () => layers.concatenate()),
  merge('maximum', () => layers.maximum()),
  merge('minimum', () => layers.minimum()),
  merge('multiply', () => layers.multiply()),
  one('flatten', image, () => layers.flatten()),
  one('reshape', image, () => layers.reshape({ targetShape: [16, 8] })),
  one('permute', image, () => layers.permute({ dims: [2, 1, 3] })),
  one('rescaling', image, () => layers.rescaling({ scale: 2, offset: 1 })),
  one('dense', image, () => layers.dense({ units: 3 })),
  one('simpleRNN', sequence, () => layers.simpleRNN({ units: 3, returnSequences: true })),
  one('lstm', sequence, () => layers.lstm(lstm)),
  one('gru', sequence, () => layers.gru({ units: 3, returnSequences: true })),
  one('bidirectional', sequence, () =>
    layers.bidirectional({ layer: layers.lstm(lstm) as never, mergeMode: 'concat' }),
  ),
  one('convLstm2d', [3, 6, 6, 2], () => layers.convLstm2d({ ...conv, ...smooth, returnSequences: true })),
  one('timeDistributed', [3, 6, 6, 2], () => layers.timeDistributed({ layer: layers.conv2d(conv) })),
];

/** A layer's output, and its gradients by each input and each weight, as plain numbers. */
interface Outcome {
  output: number[];
  gradients: number[][];
}

/** The measured truth about a kind, from the cpu backend's values alone. */
export interface Reference {
  output: number[];
  /** The slopes along DIRECTIONS for each input and each weight. */
  slopes: number[][];
}

const DIRECTIONS = [1, 2, 3];
/** So small that few values pass a kink, and large enough for float32. */
const STEP = 2e-4;

const numbers = (shape: readonly number[], seed: number) => [...randomArray(shape, seed, -2, 2).data];

/** A model of one layer with fixed weights, and functions of its inputs and weights, which are lists of numbers. */
function modelOf({ layer, inputs: inputShapes }: LayerKind) {
  const model = withSeed(7, () => {
    const inputs = inputShapes.map((shape) => tf.input({ shape }));
    return tf.model({ inputs, outputs: layer().apply(inputs.length === 1 ? inputs[0]! : inputs) as tf.SymbolicTensor });
  });
  const weights = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const shapes = [...inputShapes.map((shape) => [2, ...shape]), ...weights.map(({ shape }) => shape)];
  const at = shapes.map((shape, i) => numbers(shape, 30 + i));

  /** Sets the weights, and gives the tensors by which to differentiate. */
  const place = (values: readonly number[][]): tf.Tensor[] => {
    const tensors = values.map((list, i) => tf.tensor(list, shapes[i]));
    const inputs = tensors.slice(0, inputShapes.length);
    weights.forEach((weight, i) => weight.assign(tensors[inputs.length + i]!));
    return [...inputs, ...weights];
  };
  const call = (tensors: readonly tf.Tensor[]) =>
    withSeed(8, () => {
      const penalty = model.calculateLosses().reduce<tf.Tensor>((sum, each) => tf.add(sum, each), tf.scalar(0));
      const output = model.apply(tensors.slice(0, inputShapes.length), { training: true }) as tf.Tensor;
      return { output, penalty };
    });
  return { model, at, place, call };
}

/** The weights of the sum that stands for a loss. */
const factors = (size: number) => numbers([size], 60);

/** Runs the layer on the backend that runs. It rejects with tfjs's error. */
async function outcome(kind: LayerKind): Promise<Outcome> {
  const { model, at, place, call } = modelOf(kind);
  try {
    const results = tf.tidy(() => {
      const tensors = place(at);
      const { output } = call(tensors);
      const loss = () => {
        const { output, penalty } = call(tensors);
        return tf.add(tf.sum(tf.mul(output, tf.tensor(factors(output.size), output.shape))), penalty);
      };
      return [output, ...tf.engine().gradients(loss, tensors).grads];
    });
    const [output, ...gradients] = await Promise.all(results.map((x) => x.data()));
    tf.dispose(results);
    return { output: [...output!], gradients: gradients.map((each) => [...each]) };
  } finally {
    model.dispose();
  }
}

/** Measures the slopes of a layer's values. The backend must be cpu. No gradient function of tfjs takes part. */
export function measure(kind: LayerKind): Reference {
  const { model, at, place, call } = modelOf(kind);
  const loss = (values: readonly number[][]): number =>
    tf.tidy(() => {
      const { output, penalty } = call(place(values));
      const weights = factors(output.size);
      return [...output.dataSync()].reduce((sum, y, i) => sum + y * weights[i]!, penalty.dataSync()[0]!);
    });
  const slope = (argument: number, direction: number): number => {
    const way = along(at[argument]!.length, direction);
    const [above, below] = [STEP, -STEP].map((step) =>
      loss(
        at.with(
          argument,
          at[argument]!.map((x, i) => Math.fround(x + step * way[i]!)),
        ),
      ),
    );
    return (above! - below!) / (2 * STEP);
  };
  try {
    const output = tf.tidy(() => [...call(place(at)).output.dataSync()]);
    return { output, slopes: at.map((_, argument) => DIRECTIONS.map((direction) => slope(argument, direction))) };
  } finally {
    model.dispose();
  }
}

const along = (size: number, direction: number) => [...randomArray([size], 70 + direction, -1, 1).data];

/**
 * The result on the backend that runs: `trains`, `wrong values`, or tfjs's error. Without a reference, because the cpu
 * backend cannot run the layer, only errors are found.
 */
export async function verdict(kind: LayerKind, reference: Reference | null): Promise<string> {
  try {
    const { output, gradients } = await outcome(kind);
    if (!reference) return 'not compared';
    const rightSlopes = gradients.every((gradient, i) =>
      DIRECTIONS.every((direction, k) => {
        const way = along(gradient.length, direction);
        const slope = gradient.reduce((sum, g, j) => sum + g * way[j]!, 0);
        return Math.abs(slope - reference.slopes[i]![k]!) <= 0.01 * Math.max(1, Math.hypot(...gradient));
      }),
    );
    const size = Math.max(1, ...reference.output.map(Math.abs));
    const sameOutput = output.every((y, i) => Math.abs(y - reference.output[i]!) <= 1e-3 * size);
    return rightSlopes && sameOutput ? 'trains' : 'wrong values';
  } catch (error) {
    // tfjs leaves behind what it has saved for a gradient that fails.
    for (const { saved } of tf.engine().state.activeTape ?? []) tf.dispose(saved);
    return (error as Error).message.replaceAll(/\s+/g, ' ').replace(/\.$/, '');
  }
}

/** A model in which the kind comes after weights that are trained, so that its gradients by its inputs are needed. */
export function trainedModel({ layer, inputs: shapes }: LayerKind): tf.LayersModel {
  const inputs = shapes.map((shape) => tf.input({ shape }));
  const before = inputs.map((x, i) => layers.dense({ units: shapes[i]!.at(-1)! }).apply(x) as tf.SymbolicTensor);
  const outputs = layer().apply(before.length === 1 ? before[0]! : before) as tf.SymbolicTensor;
  return tf.model({ inputs, outputs });
}
