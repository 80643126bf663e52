/** What an optimizer of tfjs has to remember so that training goes on with the same bits. As of tfjs-core 4.22. */
import * as tf from '@tensorflow/tfjs-core';
import type { Optimizer, Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import { fail } from '../checks.js';
import { checkJson, type Json } from './json.js';

/** An optimizer as a model's file describes it. */
export interface SavedOptimizer {
  className: string;
  config: { [name: string]: Json };
  /** Numbers that tfjs does not save, or makes again with other bits. */
  scalars: Record<string, number>;
}

export interface OptimizerRead {
  saved: SavedOptimizer;
  /** For `trainingConfig` in the model's file. */
  trainingConfig: { class_name: string; config: { [name: string]: Json } };
  weights: { specs: tf.io.WeightsManifestEntry[]; data: ArrayBuffer };
}

interface Kept {
  /** Lists with a slot for each variable that is trained, in the order of tfjs's getWeights. */
  slots: readonly string[];
  scalars: readonly string[];
}

const KEPT: Record<string, Kept> = {
  Adadelta: { slots: ['accumulatedGrads', 'accumulatedUpdates'], scalars: [] },
  Adagrad: { slots: ['accumulatedGrads'], scalars: [] },
  // setWeights makes them as beta^(n+1), which is not the product bit by bit.
  Adam: { slots: ['accumulatedFirstMoment', 'accumulatedSecondMoment'], scalars: ['accBeta1', 'accBeta2'] },
  Adamax: { slots: ['accumulatedFirstMoment', 'accumulatedWeightedInfNorm'], scalars: ['accBeta1', 'iteration'] },
  // c is -learningRate and m is momentum, when they were set last.
  Momentum: { slots: ['accumulations'], scalars: ['c', 'm'] },
  RMSProp: { slots: ['accumulatedMeanSquares', 'accumulatedMoments', 'accumulatedMeanGrads'], scalars: [] },
  SGD: { slots: [], scalars: ['c'] },
};

/** The fields of an optimizer, private ones among them. */
type Fields = Record<string, unknown> & { iterations_?: number };
interface NamedTensor {
  name: string;
  tensor: Tensor;
}
interface Slot {
  originalName: string;
  variable: Variable;
}

/**
 * Of these tfjs-core has no setWeights. Their slots travel as those of an Adagrad, which takes any number of them; the
 * first is empty, so that training with it by mistake fails.
 */
const CARRIED = ['Adamax'];
const CARRIER = 'Adagrad';

export const isCarried = ({ className }: { className: string }): boolean => CARRIED.includes(className);

/** The state at the moment of the call: reading of tensors begins before anything is waited for. */
export function readOptimizer(fn: string, optimizer: Optimizer, taken: ReadonlySet<string>): Promise<OptimizerRead> {
  const className = optimizer.getClassName();
  // Which class will be made of the name when the model is loaded.
  const [registered] = tf.serialization.SerializationMap.getMap().classNameMap[className] ?? [];
  if ((registered as unknown) !== optimizer.constructor) {
    fail(
      fn,
      `the optimizer's class ${className} must be known to tf.serialization.registerClass, or it cannot be loaded`,
    );
  }
  const config = optimizer.getConfig() as { [name: string]: Json };
  checkJson(fn, `${className}'s settings`, config);
  const kept = KEPT[className];
  return kept
    ? readKept({ className, config }, kept, optimizer, taken)
    : readOther(fn, { className, config }, optimizer);
}

type Named = Pick<SavedOptimizer, 'className' | 'config'>;

async function readKept(named: Named, kept: Kept, optimizer: Optimizer, taken: ReadonlySet<string>) {
  const fields = optimizer as unknown as Fields;
  const carried = isCarried(named);
  const iterations = tf.scalar(optimizer.iterations, 'int32');
  const guard = tf.zeros([0]);
  const weights: NamedTensor[] = [{ name: 'iter', tensor: iterations }];
  if (carried) weights.push({ name: 'call-compileSaved', tensor: guard });
  for (const { originalName, variable } of slotsOf(fields, kept))
    weights.push({ name: originalName, tensor: variable });
  const scalars = kept.scalars.map((name) => [name, (fields[name] as Scalar).data()] as const);
  try {
    const encoding = tf.io.encodeWeights(distinct(weights, taken), 'optimizer');
    const numbers = scalars.map(async ([name, data]) => [name, (await data)[0]!] as const);
    const saved = { ...named, scalars: Object.fromEntries(await Promise.all(numbers)) };
    const { className, config } = named;
    return {
      saved,
      trainingConfig: carried
        ? { class_name: CARRIER, config: { learningRate: 0 } }
        : { class_name: className, config },
      weights: await encoding,
    };
  } finally {
    tf.dispose([iterations, guard]);
  }
}

/** An optimizer that tfjs does not have, by what it says about itself. */
async function readOther(fn: string, named: Named, optimizer: Optimizer): Promise<OptimizerRead> {
  const weights = await optimizer.getWeights().catch((error: Error) => {
    return fail(fn, `the optimizer ${named.className} does not give its state: ${error.message}`);
  });
  return {
    saved: { ...named, scalars: {} },
    trainingConfig: { class_name: named.className, config: named.config },
    weights: await tf.io.encodeWeights(weights, 'optimizer'),
  };
}

const slotsOf = (fields: Fields, kept: Kept): Slot[] => kept.slots.flatMap((list) => fields[list] as Slot[]);

/** Weights are found by name when they are loaded, and variables of two runs may share one. */
function distinct(weights: readonly NamedTensor[], taken: ReadonlySet<string>): NamedTensor[] {
  const used = new Set(taken);
  return weights.map(({ name, tensor }) => {
    let free = name;
    for (let i = 1; used.has(free); i++) free = `${name}_${i}`;
    used.add(free);
    return { name: free, tensor };
  });
}

/** Whether the optimizer of a loaded model is the one that was saved. */
export function isLoadedFrom(optimizer: Optimizer, saved: SavedOptimizer): boolean {
  const className = optimizer.getClassName();
  if (className === saved.className) return true;
  return isCarried(saved) && className === CARRIER;
}

/** Those whose state is whole again; what they have learned since must not be lost. */
const restored = new WeakSet<Optimizer>();

/** The optimizer as it was saved. It may be another object, which has taken over what `loaded` had. */
export function restoreOptimizer(loaded: Optimizer, saved: SavedOptimizer): Optimizer {
  if (restored.has(loaded)) return loaded;
  const optimizer = loaded.getClassName() === saved.className ? loaded : unpack(loaded, saved);
  const fields = optimizer as unknown as Fields;
  for (const [name, value] of Object.entries(saved.scalars)) {
    const before = fields[name] as Tensor;
    if (before instanceof tf.Variable) {
      tf.tidy(() => before.assign(tf.scalar(value)));
    } else {
      fields[name] = tf.keep(tf.scalar(value));
      before.dispose();
    }
  }
  restored.add(optimizer);
  return optimizer;
}

function unpack(carrier: Optimizer, saved: SavedOptimizer): Optimizer {
  const from = carrier as unknown as Fields;
  const [guard, ...slots] = from['accumulatedGrads'] as [Slot, ...Slot[]];
  const [optimizerClass, fromConfig] = tf.serialization.SerializationMap.getMap().classNameMap[saved.className]!;
  const optimizer = fromConfig(optimizerClass, saved.config as tf.serialization.ConfigDict) as Optimizer;
  const fields = optimizer as unknown as Fields;
  const { slots: lists } = KEPT[saved.className]!;
  const size = slots.length / lists.length;
  lists.forEach((list, i) => (fields[list] = slots.slice(i * size, (i + 1) * size)));
  fields.iterations_ = carrier.iterations;
  guard.variable.dispose();
  from['accumulatedGrads'] = [];
  return optimizer;
}
