/** checkTrainable: it throws where fit would, names everything, and leaves the model as it was. */
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { enableWasmTraining } from '../../src/index.js';
import { checkTrainable, withSeed } from '../../src/training/index.js';
import { messageOf, withKernel, withoutKernels } from '../support/kernels.js';

declare const TEST_BACKEND: 'cpu' | 'wasm' | 'tensorflow';

beforeAll(enableWasmTraining);
// tfjs does not dispose the weights of shared layers and of inner models.
afterEach(tf.disposeVariables);

type Layer = tf.layers.Layer;
const { layers } = tf;

const FILTER = tf.Conv2DBackpropFilter;
const INPUT = tf.Conv2DBackpropInput;
const image = [8, 8, 2];

const conv = (name: string, more: { activation?: 'tanh' | 'relu'; inputShape?: number[]; trainable?: boolean } = {}) =>
  layers.conv2d({ name, filters: 2, kernelSize: 3, padding: 'same', ...more });
const apply = (layer: Layer, ...xs: tf.SymbolicTensor[]) =>
  layer.apply(xs.length === 1 ? xs[0]! : xs) as tf.SymbolicTensor;

/** A model of layers in a row, for the time of `run`. */
function within<T>(list: Layer[], run: (model: tf.LayersModel) => T, shape: (number | null)[] = image): T {
  const inputs = tf.input({ shape });
  const model = tf.model({ inputs, outputs: list.reduce((x, layer) => apply(layer, x), inputs) });
  try {
    return run(model);
  } finally {
    model.dispose();
  }
}
const told = (list: Layer[], shape?: (number | null)[]) =>
  within(list, (model) => messageOf(() => checkTrainable(model)), shape);

describe('a kernel that is missing', () => {
  test('for a gradient is named with the backend and all the layers that need it, each once', () => {
    const shared = conv('shared');
    const list = [conv('first'), shared, shared, layers.activation({ activation: 'tanh', name: 'curve' })];
    expect(told(list)).toBeNull();
    withoutKernels([FILTER], () => {
      const message = told([conv('first'), conv('second'), layers.activation({ activation: 'tanh' })])!;
      const [head, ...lines] = message.split('\n');
      expect(head).toBe(`checkTrainable: tfjs cannot train this model on the ${TEST_BACKEND} backend:`);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain('first (Conv2D), second (Conv2D): the kernel Conv2DBackpropFilter is missing; ');
    });
  });

  test('does not hide another one', () => {
    withoutKernels([FILTER, tf.AvgPoolGrad, tf.EluGrad], () => {
      const list = [
        conv('first'),
        layers.averagePooling2d({ name: 'pool' }),
        layers.elu({ name: 'bend' }),
        conv('last'),
      ];
      expect(told(list)!.split('\n').slice(1)).toEqual([
        expect.stringContaining('first (Conv2D), last (Conv2D): the kernel Conv2DBackpropFilter is missing; '),
        expect.stringContaining('pool (AveragePooling2D): the kernel AvgPoolGrad is missing; '),
        expect.stringContaining('bend (ELU): the kernel EluGrad is missing; '),
      ]);
    });
  });

  test('for the way forward is named too, with what could not be tried', () => {
    withoutKernels([tf.Tanh], () => {
      const message = told([conv('first'), conv('second', { activation: 'tanh' }), conv('third')])!;
      expect(message).toContain('\nsecond (Conv2D): the kernel Tanh is missing; ');
      expect(message).toContain('\nThe gradients, and the layers after the last one here, could not be tried');
    });
  });

  test('comes with a cure', () => {
    const cures = {
      cpu: /use another layer, or other options of it$/,
      wasm: /call enableWasmTraining\(\) before training$/,
      tensorflow: /or another backend \(.*cpu.*\)$/,
    };
    withoutKernels([FILTER], () => expect(told([conv('first')])).toMatch(cures[TEST_BACKEND]));
    withoutKernels([tf.Tanh], () => {
      const message = told([conv('first', { activation: 'tanh' })]);
      expect(message).toContain('use another layer, or other options of it');
      expect(message).not.toContain('enableWasmTraining');
    });
  });

  test('may be a gradient that enableWasmTraining adds on every backend', () => {
    const config = tf.getGradient(tf.Conv3DBackpropInputV2);
    tf.unregisterGradient(tf.Conv3DBackpropInputV2);
    const volume = [layers.conv3dTranspose({ filters: 2, kernelSize: 1, name: 'up' })];
    expect(told(volume, [4, 4, 4, 1])).toMatch(/\nup \(Conv3DTranspose\): .*; call enableWasmTraining\(\) before/);
    tf.registerGradient(config);
    expect(
      told(
        volume.map(() => layers.conv3dTranspose({ filters: 2, kernelSize: 1 })),
        [4, 4, 4, 1],
      ),
    ).toBeNull();
  });

  test('is what fit would stop at', async () => {
    const model = tf.sequential({ layers: [conv('first', { inputShape: image })] });
    const optimizer = tf.train.sgd(0.1);
    model.compile({ optimizer, loss: 'meanSquaredError' });
    await withoutKernels([FILTER], () =>
      expect(model.trainOnBatch(tf.ones([1, ...image]), tf.ones([1, ...image]))).rejects.toThrow(FILTER),
    );
    for (const owner of [model, optimizer]) owner.dispose();
    // tfjs leaves behind what it has saved for a gradient that fails.
    for (const { saved } of tf.engine().state.activeTape) tf.dispose(saved);
  });
});

describe('only what training needs is asked for:', () => {
  // With an activation, conv2d has gradients for input and filter; without one, tfjs always computes both together.
  const apart = (name: string, trainable = true) => conv(name, { activation: 'relu', trainable });
  const frozen = () => apart('frozen', false);
  const dense = () => layers.dense({ units: 2 });

  test('no gradient by the inputs of the model', () => {
    withoutKernels([INPUT], () => {
      expect(told([apart('only')])).toBeNull();
      expect(told([apart('first'), apart('second')])).toContain('\nsecond (Conv2D): the kernel Conv2DBackpropInput');
    });
  });

  test('no gradient by frozen weights', () => {
    withoutKernels([FILTER], () => expect(told([dense(), frozen()])).toBeNull());
    withoutKernels([FILTER, INPUT], () => expect(told([frozen(), dense()])).toBeNull());
    withoutKernels([INPUT], () =>
      expect(told([dense(), frozen()])).toContain('\nfrozen (Conv2D): the kernel Conv2DBackpropInput'),
    );
  });

  test('the weights that compile has collected, and no others', () => {
    within([conv('first'), layers.dense({ units: 2 })], (model) => {
      const optimizer = tf.train.sgd(0.1);
      const freeze = (trainable: boolean) => (model.getLayer('first').trainable = trainable);
      freeze(false);
      model.compile({ optimizer, loss: 'meanSquaredError' });
      freeze(true);
      withoutKernels([FILTER], () => expect(messageOf(() => checkTrainable(model))).toBeNull());
      model.compile({ optimizer, loss: 'meanSquaredError' });
      freeze(false);
      withoutKernels([FILTER], () => expect(messageOf(() => checkTrainable(model))).toContain('first (Conv2D)'));
      optimizer.dispose();
    });
  });
});

describe('models of several parts', () => {
  /** Two inputs, an inner model that both go through, and two outputs. */
  function parts(run: (model: tf.LayersModel) => void): void {
    const inputs = [tf.input({ shape: image }), tf.input({ shape: image })];
    const inner = tf.sequential({ name: 'inner', layers: [conv('deep', { inputShape: image }), conv('deeper')] });
    const [a, b] = inputs.map((x) => apply(inner, x));
    const sum = apply(layers.add(), a!, b!);
    const model = tf.model({ inputs, outputs: [apply(conv('one'), sum), apply(layers.elu({ name: 'two' }), b!)] });
    run(model);
    model.dispose();
  }

  test('are run as a whole, and layers are named with the models around them', () => {
    parts((model) => {
      expect(checkTrainable(model)).toBeUndefined();
      withoutKernels([FILTER], () =>
        expect(messageOf(() => checkTrainable(model))).toContain(
          '\ninner/deep (Conv2D), inner/deeper (Conv2D), one (Conv2D): the kernel Conv2DBackpropFilter is missing',
        ),
      );
      withoutKernels([tf.EluGrad], () => expect(messageOf(() => checkTrainable(model))).toContain('\ntwo (ELU): '));
    });
  });

  test('may be a sequential model, compiled or not', () => {
    const model = tf.sequential({ layers: [conv('deep', { inputShape: image })] });
    const check = () => messageOf(() => checkTrainable(model));
    for (const isCompiled of [false, true]) {
      if (isCompiled) model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
      expect(check()).toBeNull();
      withoutKernels([FILTER], () => expect(check()).toContain('\ndeep (Conv2D): '));
    }
    model.dispose();
  });

  test('long lists of layers are cut', () => {
    const many = Array.from({ length: 13 }, (_, i) => conv(`c${i}`));
    withoutKernels([FILTER], () => expect(told(many)).toContain('c9 (Conv2D) and 3 more: the kernel'));
  });
});

/** A layer of the user's that does what `body` says. */
function own(body: (x: tf.Tensor) => tf.Tensor): Layer {
  class Own extends layers.Layer {
    static readonly className = 'Own';
    override computeOutputShape(shape: tf.Shape): tf.Shape {
      return shape;
    }
    override call(x: tf.Tensor | tf.Tensor[]): tf.Tensor {
      return body(Array.isArray(x) ? x[0]! : x);
    }
  }
  return new Own({ name: 'own' });
}

describe('layers of the user', () => {
  test('train', () => {
    expect(told([conv('first'), own((x) => tf.mul(tf.square(x), 2))])).toBeNull();
  });

  test('may use an operation without a gradient', () => {
    const step = () => own((x) => tf.cast(tf.greater(x, 0), 'float32'));
    expect(told([conv('first'), step()])).toMatch(/\nown \(Own\): tfjs has no gradient of (Greater|Cast); use another/);
    // It needs none in front of the trained weights.
    expect(told([step(), conv('first')])).toBeNull();
  });

  test('may throw', () => {
    const thrower = own(() => {
      throw new Error('no such luck.');
    });
    expect(told([conv('first'), thrower])).toBe(
      'checkTrainable: own (Own) cannot run for an input of shape [1,8,8,2]: no such luck',
    );
  });

  test('may be cut off from the output', () => {
    const zero = own((x) => tf.zeros(x.shape));
    expect(told([conv('first'), zero])).toBe(
      'checkTrainable: no output of the model depends on a weight that is trained',
    );
  });
});

describe('kernels that give wrong values', () => {
  const zeros: tf.KernelFunc = ({ inputs }) => tf.zerosLike(inputs['input'] as tf.Tensor);
  const pool = () => [conv('first'), layers.maxPooling2d({ poolSize: 1, name: 'pool' })];

  test('are named', () => {
    if (TEST_BACKEND === 'cpu') {
      const message = told([conv('first'), layers.upSampling2d({ name: 'up' })]);
      expect(message).toContain(
        '\nup (UpSampling2D): the kernel ResizeNearestNeighborGrad gives wrong values for every',
      );
    }
    // Only the wasm backend is known to get it wrong, so it is tried only there.
    const message = withKernel(tf.MaxPoolGrad, zeros, () => told(pool()));
    if (TEST_BACKEND !== 'wasm') expect(message).toBeNull();
    else expect(message).toContain('\npool (MaxPooling2D): the kernel MaxPoolGrad gives wrong values where all');
  });

  test('are not named where they are right', () => {
    const volume = [layers.conv3d({ filters: 2, kernelSize: 3 }), layers.conv3d({ filters: 2, kernelSize: 1 })];
    expect(told(volume, [4, 4, 4, 1]) ?? '').not.toContain('Conv3DBackpropInputV2');
  });
});

describe('the size of an input that may have any', () => {
  /** A network that makes its input smaller by a factor, and then adds the input to what it has enlarged again. */
  const hourglass = (factor: number, look: Layer): tf.LayersModel => {
    const inputs = tf.input({ shape: [null, null, 2] });
    const small = apply(layers.maxPooling2d({ poolSize: factor, strides: factor }), apply(look, inputs));
    const large = apply(layers.upSampling2d({ size: [factor, factor], interpolation: 'bilinear' }), conved(small));
    return tf.model({ inputs, outputs: apply(layers.add(), inputs, large) });
  };
  const conved = (x: tf.SymbolicTensor) => apply(layers.dense({ units: 2 }), x);

  test.each([
    [8, [32]],
    [64, [32, 64]],
    [24, [32, 64, 48]],
    [56, [32, 64, 48, 40, 96, 128, 160, 224]],
    [256, [32, 64, 48, 40, 96, 128, 160, 224, 256]],
  ])('suits a network that shrinks it %i times', (factor, sizes) => {
    const seen: number[] = [];
    const model = hourglass(
      factor,
      own((x) => (seen.push(x.shape[1]!), tf.mul(x, 1))),
    );
    messageOf(() => checkTrainable(model));
    expect(seen).toEqual(sizes);
    model.dispose();
  });

  test('is small for volumes', () => {
    const seen: number[][] = [];
    const look = own((x) => (seen.push(x.shape), tf.mul(x, 1)));
    expect(told([look, layers.dense({ units: 1 })], [null, null, null, 1])).toBeNull();
    expect(seen).toEqual([[1, 32, 32, 32, 1]]);
  });

  test('is kept where it is given, the batch too', () => {
    const seen: number[][] = [];
    const look = own((x) => (seen.push(x.shape), tf.mul(x, 1)));
    const inputs = tf.input({ batchShape: [3, 7, null, 2] });
    const model = tf.model({ inputs, outputs: apply(layers.dense({ units: 1 }), apply(look, inputs)) });
    checkTrainable(model);
    expect(seen).toEqual([[3, 7, 32, 2]]);
    model.dispose();
  });

  test('is asked for if none fits', () => {
    const picky = own((x) => tf.reshape(x, [1, 7, 11, 2]));
    expect(told([picky, layers.dense({ units: 1 })], [null, null, 2])).toMatch(
      /own \(Own\) cannot run for an input of shape \[1,32,32,2\]: .*, nor for other sizes; give the input a fixed shape/,
    );
  });
});

describe('nothing is left changed', () => {
  test('by a check that passes, or by one that throws', () => {
    const list = [
      conv('first'),
      layers.batchNormalization({ name: 'norm' }),
      layers.dropout({ rate: 0.5 }),
      layers.dense({ units: 1, kernelRegularizer: 'l1l2' }),
    ];
    within(list, (model) => {
      const optimizer = tf.train.adam(0.1);
      model.compile({ optimizer, loss: 'meanSquaredError' });
      const weights = () => model.weights.map((weight) => [...weight.read().dataSync()]);
      const before = weights();
      const { numTensors } = tf.memory();
      const check = () => {
        const drawn = withSeed(3, () => {
          Math.random();
          const message = messageOf(() => checkTrainable(model));
          return { message, next: Math.random() };
        });
        expect(drawn.next).toBe(withSeed(3, () => [Math.random(), Math.random()])[1]);
        expect(weights()).toEqual(before);
        expect(tf.memory().numTensors).toBe(numTensors);
        for (const owner of [tf.engine(), ...model.layers]) {
          expect(Object.keys(owner)).not.toContain('runKernel');
          expect(Object.keys(owner)).not.toContain('apply');
        }
        return drawn.message;
      };
      expect(check()).toBeNull();
      withoutKernels([FILTER], () => expect(check()).toContain('first (Conv2D)'));
      withoutKernels([tf.Sqrt, tf.Rsqrt, tf.RealDiv, tf.Relu], check);
      expect(optimizer.iterations).toBe(0);
      optimizer.dispose();
    });
  });

  test('in the states of recurrent layers', () => {
    const inputs = tf.input({ batchShape: [2, 3, 2] });
    const lstm = () => layers.lstm({ units: 2, stateful: true, returnSequences: true });
    const both = layers.bidirectional({ layer: lstm() as never, mergeMode: 'concat' });
    const model = tf.model({ inputs, outputs: apply(both, apply(lstm(), inputs)) });
    const x = tf.ones([2, 3, 2]);
    const predict = () => [...(model.predict(x, { batchSize: 2 }) as tf.Tensor).dataSync()];
    predict();
    const checked = (check: () => void) => {
      model.resetStates();
      predict();
      check();
      return predict();
    };
    const expected = checked(() => undefined);
    const before = tf.memory().numTensors;
    checkTrainable(model);
    expect(tf.memory().numTensors).toBe(before);
    expect(checked(() => checkTrainable(model))).toEqual(expected);
    // Nor the states of recurrent layers.
    const { forwardLayer, backwardLayer } = both as unknown as Record<string, tf.RNN>;
    for (const rnn of [model.layers[1], forwardLayer, backwardLayer]) tf.dispose((rnn as tf.RNN).states);
  });
});

describe('models that cannot be checked', () => {
  test.each([null, undefined, 3, 'model', {}, { layers: [] }, () => 0])('%p', (model) => {
    expect(() => checkTrainable(model as never)).toThrow('checkTrainable: model must be a model of tfjs-layers, got');
  });

  test('a model without an input shape', () => {
    expect(() => checkTrainable(tf.sequential())).toThrow(
      'checkTrainable: the model has no input shape yet; give its first layer an inputShape',
    );
  });

  test('a model without trained weights', () => {
    const message = 'checkTrainable: no weight of the model is trained; is trainable false for all layers?';
    expect(told([conv('frozen', { trainable: false })])).toBe(message);
    expect(told([layers.elu()])).toBe(message);
  });
});
