/** Losses and metrics in softseg's part of a model's file: how they are saved by name, and found again by that name. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { withName } from '../../argumentError.js';
import { fail, show } from '../../checks.js';
import { checkSaved, OtherFile } from './checkSaved.js';
import type { Json } from './json.js';
import { descriptionOf, type DescribedLoss, type LossFunction } from '../../losses/descriptions/lossDescription.js';
import { isNamedLoss, type NamedLoss } from '../boundLoss.js';
import { isLossName, LOSSES, nameOfLoss } from '../lossRegistry.js';
import { namedLoss } from '../namedLoss.js';
import { isScoreName, nameOfScore, SCORES } from '../scoreRegistry.js';
import type { Form, Saved, SavedFunction, SavedTraining } from './savedFormat.js';
import { splitLossName, unwrapped, wrapperName, type PackOptions, type Wrapper } from '../targets/packedLoss.js';
import { withMask } from '../targets/withMask.js';
import { withSampleWeights } from '../targets/withSampleWeights.js';

/** The key in the model's user-defined metadata. */
export const KEY = 'softseg';

/** A loss, in the form that `compile` takes. */
export type CompiledLoss = NamedLoss | LossFunction | string;
type Leaf = LossFunction | string;

/** The fields of a model that compile sets. */
export interface Compiled {
  loss?: Form<Leaf> | null;
  metrics?: Form<Leaf> | null;
}

/** The user's own losses and metrics, by the names under which they were saved. */
export interface OwnFunctions {
  losses: Readonly<Record<string, unknown>>;
  metrics: Readonly<Record<string, unknown>>;
}

export function isCompiled(model: LayersModel): boolean {
  return model.optimizer != null && (model as Compiled).loss != null;
}

/** Losses and metrics, in the form of the file. */
export function describeFunctions(model: LayersModel): Pick<SavedTraining, 'functions' | 'loss' | 'metrics'> {
  const { loss, metrics } = model as Compiled;
  const [functions, seen]: [SavedFunction[], Leaf[]] = [[], []];
  const describe = (leaf: Leaf, what: 'loss' | 'metric'): Saved => {
    if (typeof leaf === 'string') return leaf;
    if (!seen.includes(leaf)) {
      functions.push(describeFunction(leaf, what));
      seen.push(leaf);
    }
    return seen.indexOf(leaf);
  };
  const described = { functions, loss: mapForm(loss!, (leaf) => describe(leaf, 'loss')) };
  return metrics == null ? described : { ...described, metrics: mapForm(metrics, (leaf) => describe(leaf, 'metric')) };
}

function describeFunction(given: Leaf, what: 'loss' | 'metric'): SavedFunction {
  if (isNamedLoss(given)) {
    const from = isLossName(splitLossName(given.lossName).name) ? 'softseg' : 'own';
    return { from, name: given.lossName, options: given.options as { [name: string]: Json } };
  }
  const { wrappers, inside, axes } = unwrapped(given as LossFunction);
  const known = nameOfLoss(inside) ?? nameOfScore(inside);
  const [axis] = axes;
  if (what === 'metric' && axes.some((other) => other !== axis)) {
    fail(`each wrapper of the metric ${show(given)} must have the same axis, got ${axes.join(' and ')}`);
  }
  const wrapped = axis === undefined ? {} : { axis };
  if (known) return { from: 'softseg', name: wrapperName(wrappers, known), ...wrapped };
  if (typeof given !== 'function') fail(`a ${what} must be a function or a string, got ${show(given)}`);
  if (what === 'loss') {
    // A user's loss that describes itself has a name.
    if (descriptionOf(given)) return describeFunction(namedLoss(given as unknown as DescribedLoss), what);
    fail(
      `the loss must have a name to be saved by, got ${show(given)}; make it with namedLoss: ` +
        `namedLoss('diceLoss', { ... }), or namedLoss('mine', {}, loss) for a loss of your own`,
    );
  }
  if (given.name === '') fail("a metric must have a name to be saved by; give it one: asMetric('name', metric)");
  return { from: 'own', name: given.name, ...wrapped };
}

/** Losses and metrics, in the form that `compile` takes. */
export function reviveFunctions(
  { functions, loss, metrics }: SavedTraining,
  own: OwnFunctions,
): { loss: Form<CompiledLoss>; metrics?: Form<CompiledLoss> } {
  const revived = functions.map((saved) => reviveFunction(saved, own));
  const revive = (saved: Saved) => (typeof saved === 'string' ? saved : revived[saved]!);
  return { loss: mapForm(loss, revive), ...(metrics !== undefined && { metrics: mapForm(metrics, revive) }) };
}

function reviveFunction(saved: SavedFunction, own: OwnFunctions): NamedLoss | LossFunction {
  const { from, name, options, axis } = saved;
  if (options) return reviveLoss(from, name, options, own.losses);
  const { wrappers, name: inside } = splitLossName(name);
  const wrap = (metric: LossFunction) => wrapMetric(wrappers, metric, axis === undefined ? {} : { axis });
  if (from === 'own') {
    // The user may also have passed the metric with its wrappers.
    const whole = Object.hasOwn(own.metrics, name) || inside === '';
    return whole ? passed('metrics', name, own.metrics) : wrap(passed('metrics', inside, own.metrics));
  }
  if (isLossName(inside)) return wrap(LOSSES[inside]);
  if (isScoreName(inside)) return wrap(SCORES[inside] as LossFunction);
  return fail(`the file has the function '${inside}', which this version of softseg does not have`);
}

function reviveLoss(
  from: SavedFunction['from'],
  lossName: string,
  options: object,
  losses: OwnFunctions['losses'],
): NamedLoss {
  const { wrappers, name } = splitLossName(lossName);
  if (from === 'own') return wrapLoss(wrappers, namedLoss(name, options, passed('losses', name, losses)));
  if (!isLossName(name)) fail(`the file has the loss '${name}', which this version of softseg does not have`);
  for (const option of Object.keys(options)) {
    if (!Object.hasOwn(LOSSES[name].description.options, option)) {
      fail(`the file's ${name} has the option '${option}', which this version of softseg does not have`);
    }
  }
  return wrapLoss(wrappers, namedLoss(name, options) as NamedLoss);
}

/** Wraps a loss in the wrappers that `splitLossName` found; the first is the outermost. */
export function wrapLoss(wrappers: readonly Wrapper[], loss: NamedLoss): NamedLoss {
  return wrappers.reduceRight((inner, wrapper) => (wrapper === 'withMask' ? withMask : withSampleWeights)(inner), loss);
}

/** The same for a metric, which is not a `NamedLoss`. */
function wrapMetric(wrappers: readonly Wrapper[], metric: LossFunction, options: PackOptions): LossFunction {
  const wrap = (inner: LossFunction, wrapper: Wrapper): LossFunction =>
    wrapper === 'withMask' ? withMask(inner, options) : withSampleWeights(inner, options);
  return wrappers.reduceRight(wrap, metric);
}

function passed(kind: 'losses' | 'metrics', name: string, given: OwnFunctions[typeof kind]): LossFunction {
  const found = Object.hasOwn(given, name) ? given[name] : undefined;
  if (typeof found === 'function') return found as LossFunction;
  const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
  return fail(
    `the file's ${kind === 'losses' ? 'loss' : 'metric'} '${name}' is not softseg's; pass it: ` +
      `compileSaved(model, { ${kind}: { ${key}: ... } }), got ${show(found)}`,
  );
}

/** The part of a model that gives access to its metadata. */
export type WithMetadata = Pick<LayersModel, 'getUserDefinedMetadata'>;

/** softseg's part of the file that the model was loaded from, checked. */
export function readSaved(model: WithMetadata): SavedTraining {
  const saved = metadataOf(model)[KEY];
  if (saved === undefined || saved === null) {
    throw withName(new OtherFile(`the model's file has no softseg part; save it with saveModel`));
  }
  checkSaved(saved, "the model's file is damaged or was changed: ");
  return saved;
}

export function metadataOf(model: WithMetadata): Record<string, unknown> {
  return (model.getUserDefinedMetadata() ?? {}) as Record<string, unknown>;
}

function mapForm<T, U>(form: Form<T>, map: (leaf: T) => U): Form<U> {
  if (Array.isArray(form)) return (form as readonly Form<T>[]).map((part) => mapForm(part, map));
  if (typeof form !== 'object' || form === null) return map(form as T);
  const given = Object.entries(form as Record<string, Form<T>>).filter(([, part]) => part != null);
  return Object.fromEntries(given.map(([output, part]) => [output, mapForm(part, map)]));
}

/** The loss of each output, by name. Outputs without a loss are left out. */
export function lossByOutput<T>(loss: Form<T>, outputNames: readonly string[]): Record<string, T> {
  const lossOf = (name: string, i: number) => {
    if (Array.isArray(loss)) return loss[i] as T;
    return (typeof loss === 'object' ? (loss as Record<string, T>)[name] : loss) as T | undefined;
  };
  const given = outputNames.map((name, i) => [name, lossOf(name, i)] as const).filter(([, one]) => one !== undefined);
  return Object.fromEntries(given) as Record<string, T>;
}
