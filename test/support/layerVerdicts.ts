/** The tests behind the table in docs/gpus.md: the kinds of layers on the backend that runs. */
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { enableWasmTraining } from '../../src/index.js';
import { checkTrainable } from '../../src/training/index.js';
import { messageOf, registered } from './kernels.js';
import { LAYER_KINDS, measure, trainedModel, verdict, type LayerKind, type Reference } from './layerKinds.js';
import verdicts from './layerVerdicts.json' with { type: 'json' };

type Backend = 'cpu' | 'wasm' | 'tensorflow' | 'webgpu' | 'webgl';
/** The result with tfjs alone, and that after enableWasmTraining() if it is another one. Without results, it trains. */
type Verdicts = Record<string, Partial<Record<Backend, string[]>>>;

/** Gradients of tfjs that are wrong everywhere, so that no known value is there to compare with on GPUs. */
const NOT_CHECKED = ['averagePooling2d, padding same'];

/** Defines a test for each kind of layer. */
export function testLayerKinds(backend: Backend, kernels: string): void {
  // In pages, the setup calls enableWasmTraining before the tests.
  const atFirst = registered(backend);
  let tfjsAlone: ReturnType<typeof registered> | undefined;

  test('the table has all kinds', () => {
    expect(Object.keys(verdicts)).toEqual(LAYER_KINDS.map(({ name }) => name));
  });

  // Layers have nothing to do with softseg's kernels: where both kinds of kernels are tested, one is enough.
  if (kernels === 'composed') return;
  test.each(LAYER_KINDS.map(({ name }) => name))('%s', async (name) => {
    const kind = LAYER_KINDS.find((each) => each.name === name)!;
    tfjsAlone ??= atFirst.isEmpty ? registered(backend) : atFirst;
    const reference = await onCpu(backend, () => measured(kind));
    tfjsAlone.restore();
    const alone = await verdict(kind, reference);
    const seenAlone = isRefused(kind);
    enableWasmTraining();
    const enabled = backend === 'wasm' || alone !== 'trains' ? await verdict(kind, reference) : alone;
    const seen = isRefused(kind);

    const expected = (verdicts as Verdicts)[name]![backend] ?? ['trains'];
    expect(enabled === alone ? [alone] : [alone, enabled]).toEqual(expected);
    if (NOT_CHECKED.includes(name)) return;
    expect([seenAlone, seen]).toEqual([alone !== 'trains', enabled !== 'trains']);
  });
}

/** True if checkTrainable refuses the kind, which must leave nothing behind. */
function isRefused(kind: LayerKind): boolean {
  const model = trainedModel(kind);
  const { numTensors } = tf.memory();
  const message = messageOf(() => checkTrainable(model));
  expect(tf.memory().numTensors).toBe(numTensors);
  model.dispose();
  return message !== null;
}

function measured(kind: LayerKind): Reference | null {
  try {
    return measure(kind);
  } catch {
    return null;
  }
}

async function onCpu<T>(backend: Backend, run: () => T): Promise<T> {
  await tf.setBackend('cpu');
  try {
    return run();
  } finally {
    await tf.setBackend(backend);
  }
}
