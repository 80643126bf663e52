/**
 * The state that has to be saved with each optimizer of tfjs so that training continues bit for bit, as of tfjs-core
 * 4.22.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Optimizer, Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import { fail, show, showShape } from '../../checks.js';
import type { FilePart } from './filePart.js';
import { checkJson, isInherited, type Json } from './json.js';
import type { Trained } from './trainedWeights.js';

/** An optimizer, as described in a model's file. */
export interface SavedOptimizer {
  className: string;
  config: { [name: string]: Json };
  /** Numbers that tfjs does not save, or recomputes with other bits. */
  scalars: Record<string, number>;
}

export interface OptimizerRead {
  saved: SavedOptimizer;
  /** The optimizer in `trainingConfig` of the model's file. */
  trainingConfig: { class_name: string; config: { [name: string]: Json } };
  weights: { specs: tf.io.WeightsManifestEntry[]; data: ArrayBuffer };
}

interface Kept {
  /** The fields that are lists with a slot for each trained variable, in the order of getWeights of tfjs. */
  slots: readonly string[];
  scalars: readonly string[];
  /** The settings that getConfig returns. */
  numbers: readonly string[];
  booleans?: readonly string[];
}

const KEPT = new Map<string, Kept>(
  Object.entries({
    Adadelta: {
      slots: ['accumulatedGrads', 'accumulatedUpdates'],
      scalars: [],
      numbers: ['learningRate', 'rho', 'epsilon'],
    },
    Adagrad: { slots: ['accumulatedGrads'], scalars: [], numbers: ['learningRate', 'initialAccumulatorValue'] },
    Adam: {
      slots: ['accumulatedFirstMoment', 'accumulatedSecondMoment'],
      // setWeights computes them as beta^(n+1), which differs in its last bits from the product that training computes.
      scalars: ['accBeta1', 'accBeta2'],
      numbers: ['learningRate', 'beta1', 'beta2', 'epsilon'],
    },
    Adamax: {
      slots: ['accumulatedFirstMoment', 'accumulatedWeightedInfNorm'],
      scalars: ['accBeta1', 'iteration'],
      numbers: ['learningRate', 'beta1', 'beta2', 'epsilon', 'decay'],
    },
    Momentum: {
      slots: ['accumulations'],
      // -learningRate and the momentum, as they were last set.
      scalars: ['c', 'm'],
      numbers: ['learningRate', 'momentum'],
      booleans: ['useNesterov'],
    },
    RMSProp: {
      slots: ['accumulatedMeanSquares', 'accumulatedMoments', 'accumulatedMeanGrads'],
      scalars: [],
      numbers: ['learningRate', 'decay', 'momentum', 'epsilon'],
      booleans: ['centered'],
    },
    SGD: { slots: [], scalars: ['c'], numbers: ['learningRate'] },
  }),
);

/** The fields of an optimizer, including private ones. */
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
 * Optimizers without setWeights in tfjs-core. Their state is saved in Adagrad's format, which accepts any number of
 * slots. The first slot is empty, so that training the loaded model without `compileSaved` fails.
 */
const CARRIED = ['Adamax'];
const CARRIER = 'Adagrad';

export const isCarried = ({ className }: { className: string }): boolean => CARRIED.includes(className);

/**
 * Reads the state at the moment of the call: all reads of tensors begin before the first await. `taken` are the names
 * of the model's weights, which the state must not use.
 */
export function readOptimizer(optimizer: Optimizer, taken: ReadonlySet<string>): Promise<OptimizerRead> {
  const className = optimizer.getClassName();
  // This is the class that tfjs will look up by this name when it loads the model.
  const { classNameMap } = tf.serialization.SerializationMap.getMap();
  const [registered] = isInherited(className) ? [] : (classNameMap[className] ?? []);
  if ((registered as unknown) !== optimizer.constructor) {
    const rule = 'must be registered with tf.serialization.registerClass, or it cannot be loaded';
    fail(`the optimizer's class ${className} ${rule}`);
  }
  const config = optimizer.getConfig() as { [name: string]: Json };
  checkJson(`${className}'s settings`, config);
  const kept = KEPT.get(className);
  return kept ? readKept({ className, config }, kept, optimizer, taken) : readOther({ className, config }, optimizer);
}

type OptimizerConfig = Pick<SavedOptimizer, 'className' | 'config'>;

async function readKept(named: OptimizerConfig, kept: Kept, optimizer: Optimizer, taken: ReadonlySet<string>) {
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

/** Reads an optimizer that is not one of tfjs, through its own getConfig and getWeights. */
async function readOther(named: OptimizerConfig, optimizer: Optimizer): Promise<OptimizerRead> {
  const weights = await optimizer.getWeights().catch((error: Error) => {
    return fail(`the optimizer ${named.className} does not return its state: ${error.message}`);
  });
  return {
    saved: { ...named, scalars: {} },
    trainingConfig: { class_name: named.className, config: named.config },
    weights: await tf.io.encodeWeights(weights, 'optimizer'),
  };
}

const slotsOf = (fields: Fields, kept: Kept): Slot[] => kept.slots.flatMap((list) => fields[list] as Slot[]);

/**
 * Makes the names distinct, because weights are found by name when they are loaded, and variables of two runs may have
 * the same name.
 */
function distinct(weights: readonly NamedTensor[], taken: ReadonlySet<string>): NamedTensor[] {
  const used = new Set(taken);
  return weights.map(({ name, tensor }) => {
    let free = name;
    for (let i = 1; used.has(free); i++) free = `${name}_${i}`;
    used.add(free);
    return { name: free, tensor };
  });
}

/** True if the optimizer of a loaded model is the one that was saved. */
export function isLoadedFrom(optimizer: Optimizer, saved: SavedOptimizer): boolean {
  const className = optimizer.getClassName();
  if (className === saved.className) return true;
  return isCarried(saved) && className === CARRIER;
}

/** The optimizers that are restored already. Restoring them again would lose the training since then. */
const restored = new WeakSet<Optimizer>();

/** Checks the optimizer in a file: all fields that are needed, and no others. */
export function checkSavedOptimizer(part: FilePart): void {
  const { className, config, scalars } = part.fields(['className', 'config', 'scalars']);
  const kept = KEPT.get(className.name());
  const numbers = scalars.fields(kept?.scalars ?? []);
  for (const scalar of Object.values(numbers)) scalar.finite();
  config.entries();
  config.json();
  if (!kept) return;
  const { numbers: names, booleans = [] } = kept;
  const settings = config.fields([...names, ...booleans]);
  for (const name of names) settings[name]!.finite();
  for (const name of booleans) {
    if (typeof settings[name]!.value !== 'boolean') settings[name]!.refuse('must be true or false');
  }
}

/**
 * Throws if a loaded optimizer does not match the file; nothing has been changed by then. The file has some values
 * twice, in the part of tfjs, from which tfjs made the optimizer, and in the part of softseg.
 */
export function checkLoaded(loaded: Optimizer, saved: SavedOptimizer, trained: Trained): void {
  const kept = KEPT.get(saved.className);
  if (restored.has(loaded) || !kept) return;
  const fields = loaded as unknown as Fields;
  const refuse = (message: string) => fail(`the file's ${saved.className} is damaged: ${message}`);
  if (!(loaded.iterations >= 0)) refuse(`its number of steps must not be negative, got ${loaded.iterations}`);
  if (loaded.getClassName() !== saved.className) {
    const [guard, ...slots] = checkSlots(refuse, fields, 'accumulatedGrads');
    if (guard?.variable.size !== 0) refuse('its state does not begin with an empty tensor');
    const size = slots.length / kept.slots.length;
    const lists = kept.slots.map((_, i) => slots.slice(i * size, (i + 1) * size));
    checkSameShapes(refuse, kept.slots, lists);
    return lists.forEach((list) => checkFits(refuse, list, trained.shapes, !trained.isSaved));
  }
  for (const [name, setting] of Object.entries(loaded.getConfig())) {
    const expected = saved.config[name];
    if (setting !== expected) {
      refuse(`${name} is ${show(expected)} in softseg's part and ${show(setting)} in that of tfjs`);
    }
  }
  for (const name of kept.scalars) {
    const scalar = fields[name];
    if (!(scalar instanceof tf.Tensor) || scalar.isDisposed) refuse(`this version of tfjs has no ${name} in it`);
  }
  const lists = kept.slots.map((name) => checkSlots(refuse, fields, name));
  const filled = lists.filter((list) => list.length > 0);
  checkSameShapes(refuse, kept.slots, filled);
  for (const list of filled) checkFits(refuse, list, trained.shapes, !trained.isSaved);
}

/** Throws if the state of the optimizer does not fit the shapes of the weights that the model trains. */
export function checkState(optimizer: Optimizer, shapes: readonly string[]): void {
  const kept = KEPT.get(optimizer.getClassName());
  const refuse = (message: string) =>
    fail(`${message}; call model.compile with a new optimizer after trainable has changed`);
  for (const name of kept?.slots ?? []) {
    const slots = (optimizer as unknown as Fields)[name];
    if (Array.isArray(slots)) checkFits(refuse, slots as Slot[], shapes, false);
  }
}

type Refuse = (message: string) => never;

function checkSlots(refuse: Refuse, fields: Fields, name: string): Slot[] {
  const slots = fields[name];
  return Array.isArray(slots) ? (slots as Slot[]) : refuse(`this version of tfjs has no ${name} in it`);
}

/**
 * Checks the shapes of slots. tfjs finds a slot by the index of its weight among the trained weights. There may be
 * fewer slots than weights if weights were added, and more if some weights are no longer trained. With `all`, the slots
 * must match the weights, or be empty.
 */
function checkFits(refuse: Refuse, slots: readonly Slot[], shapes: readonly string[], all: boolean): void {
  const own = slots.map(({ variable }) => showShape(variable.shape));
  const [n, count] = [own.length, shapes.length];
  const fits = all
    ? n === 0 || (n === count && own.join() === shapes.join())
    : own.every((shape, i) => i >= count || shape === shapes[i]);
  if (fits) return;
  const trained = shapes.join(' ') || 'none';
  refuse(`the optimizer has state for weights of shapes ${own.join(' ')}, but the model trains ${trained}`);
}

/** Checks that all lists have slots of the same shapes. */
function checkSameShapes(refuse: Refuse, names: readonly string[], lists: readonly Slot[][]): void {
  const shapes = lists.map((list) => list.map(({ variable }) => showShape(variable.shape)).join(' '));
  if (new Set(shapes).size > 1) refuse(`${names.join(' and ')} must have the same shapes, got ${shapes.join(' and ')}`);
}

/**
 * Restores the optimizer that was saved, after checkLoaded has passed. The result may be a new object that takes over
 * the tensors of `loaded`.
 */
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
  const { slots: lists } = KEPT.get(saved.className)!;
  const size = slots.length / lists.length;
  lists.forEach((list, i) => (fields[list] = slots.slice(i * size, (i + 1) * size)));
  fields.iterations_ = carrier.iterations;
  guard.variable.dispose();
  from['accumulatedGrads'] = [];
  return optimizer;
}
