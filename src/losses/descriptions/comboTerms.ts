/** The terms of comboLoss: which losses they are, their weights, and the options that each gets. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { currentFunction, inFunction } from '../../argumentError.js';
import { checkNumber, checkOptionNames, entriesOf, fail, show } from '../../checks.js';
import * as losses from '../index.js';
import { descriptionOf, type Described, type AnyDescription, type LossFunction } from './lossDescription.js';
import { INPUT_RULES } from '../families/options.js';

type AnyLoss = Described<object> & LossFunction;

/** The losses that are terms by name: `'iou'` for iouLoss, and so on. */
export type ComboTerm = {
  [K in keyof typeof losses]: (typeof losses)[K] extends Described
    ? K extends `${infer Name}Loss`
      ? Name
      : never
    : never;
}[keyof typeof losses];

/** The options of each of these losses, by the same name. */
export type OptionsOfTerm = {
  [K in keyof typeof losses as K extends `${infer Name}Loss` ? Name : never]: (typeof losses)[K] extends Described<
    infer O
  >
    ? O
    : never;
};

/** A term with options of its own: any option of its loss, except those of the inputs and `reduction`. */
export interface TermOptions {
  /** A loss of this package or its name, or a loss made by `defineLoss` or `defineRegionLoss`. */
  loss: TermLoss | `${ComboTerm}Loss`;
  /** The factor of the term, >= 0. Default 1. */
  weight?: number;
  [option: string]: unknown;
}

/** A loss that can be a term. */
export type TermLoss = ((labels: Tensor, predictions: Tensor, options?: never) => Tensor) & Described;

/** A term, checked, with its description and options. */
export interface Term {
  /** Its name in errors: `iou`, or `terms[0] (iouLoss)`. */
  label: string;
  weight: number;
  loss: AnyLoss;
  description: AnyDescription;
  /** The options for its loss. */
  options: object;
}

const isDescribed = (entry: [string, unknown]): entry is [string, AnyLoss] => descriptionOf(entry[1]) !== undefined;

/** The losses by their names in `weights`, which are the names of the functions without `Loss`. */
const TERMS: Readonly<Record<string, AnyLoss>> = Object.fromEntries(
  Object.entries(losses)
    .filter(isDescribed)
    .map(([name, loss]): [string, AnyLoss] => [name.replace(/Loss$/, ''), loss])
    .sort(([a], [b]) => (a < b ? -1 : 1)),
);
const TERM_NAMES = Object.keys(TERMS);
const knows = (name: string, option: string) => option in TERMS[name]!.description.options;
/** The rules of the options of all terms. */
export const TERM_RULES = Object.assign({}, ...Object.values(TERMS).map((loss) => loss.description.options)) as object;

/** The terms that `weights` names: each option goes to every term that has it. */
export function termsOfWeights(weights: unknown, options: object): Term[] {
  checkWeights(weights);
  const given = Object.entries(weights).filter(([, weight]) => weight !== undefined);
  const names = given.map(([name]) => name);
  checkOptions(names, options);
  return given.map(([name, weight]) => {
    const loss = TERMS[name]!;
    return { label: name, weight, loss, description: loss.description, options: optionsFor(loss.description, options) };
  });
}

function checkWeights(weights: unknown): asserts weights is Record<string, number> {
  const ok = typeof weights === 'object' && weights !== null && !entriesOf(weights) && Object.keys(weights).length > 0;
  if (!ok) fail(`weights must be an object such as { iou: 1, crossEntropy: 1 }, got ${show(weights)}`);
  for (const [name, weight] of Object.entries(weights as object)) {
    if (!TERM_NAMES.includes(name)) fail(`unknown term '${name}' in weights; it takes ${TERM_NAMES.join(', ')}`);
    if (weight !== undefined) checkNumber(`weights.${name}`, weight, { least: 0 });
  }
}

function checkOptions(names: readonly string[], options: object): void {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  for (const [option] of given) {
    const known = TERM_NAMES.filter((name) => knows(name, option));
    if (known.length > 0 && !known.some((name) => names.includes(name))) {
      fail(`option '${option}' goes with the terms ${known.join(', ')}; weights has ${names.join(', ')}`);
    }
  }
  const has = (option: string) => given.some(([name]) => name === option);
  if (has('posWeight') && names.includes('crossEntropy')) {
    fail(`option 'posWeight' is for binaryCrossEntropy only, which shares its pass with crossEntropy: use one of them`);
  }
  for (const [option] of given) {
    const [one, other] = names.filter((name) => TERMS[name]!.description.options[option]?.ownMeaning);
    if (other) {
      const cure = 'use terms, each with options of its own';
      fail(`option '${option}' means one thing to ${one} and another to ${other}: ${cure}`);
    }
  }
}

/** The given options that a loss has, without those that its rules exclude because another one is given (`notWith`). */
function optionsFor({ options: rules }: AnyDescription, options: object): object {
  const all = Object.entries(options).filter(([name, value]) => value !== undefined && Object.hasOwn(rules, name));
  const names = all.map(([name]) => name);
  return Object.fromEntries(all.filter(([name]) => !names.includes(rules[name]!.notWith ?? '')));
}

/** The terms of a list, each with its own options; `shared` are the options of the inputs and the reduction. */
export function termsOfList(list: unknown, shared: object): Term[] {
  const entries = entriesOf(list);
  if (!entries || entries.length === 0) {
    const example = '[{ loss: diceLoss }, { loss: crossEntropyLoss, weight: 0.5 }]';
    fail(`terms must be a list such as ${example}, got ${show(list)}`);
  }
  return entries.map((entry, i) => termOfEntry(`terms[${i}]`, entry, shared));
}

function termOfEntry(place: string, entry: unknown, shared: object): Term {
  if (typeof entry !== 'object' || entry === null || entriesOf(entry)) {
    fail(`${place} must be an object such as { loss: diceLoss, weight: 0.5 }, got ${show(entry)}`);
  }
  const { loss: given, weight = 1, ...own } = entry as Record<string, unknown>;
  const loss = typeof given === 'string' ? lossByName(given) : (given as AnyLoss);
  const description = descriptionOf(loss);
  if (!loss || !description) {
    const which = 'a loss of softseg, its name, or a loss made by defineLoss or defineRegionLoss';
    fail(`${place}.loss must be ${which}, got ${show(given)}`);
  }
  const label = `${place} (${description.name})`;
  checkNumber(`${place}.weight`, weight, { least: 0 });
  for (const name of Object.keys(own).filter(isShared)) {
    fail(`${label}: give ${name} next to terms: it is the same for all of them`);
  }
  const known = Object.keys(description.options).filter((name) => !isShared(name));
  inFunction(`${currentFunction}: ${label}`, () => checkOptionNames(own, known));
  const options = optionsFor(description, { ...shared, ...own });
  return { label, weight: weight as number, loss, description, options };
}

/** True if all terms share an option: those of the inputs, which a pass reads once, and the reduction. */
export const isShared = (option: string): boolean => option in INPUT_RULES || option === 'reduction';

const lossByName = (name: string): AnyLoss | undefined => {
  const term = name.replace(/Loss$/, '');
  return name.endsWith('Loss') && Object.hasOwn(TERMS, term) ? TERMS[term] : undefined;
};

/** The list with the losses of this package replaced by their names, so that it can be saved as JSON. */
export function termsAsJson(list: unknown): unknown {
  const entries = entriesOf(list);
  return (
    entries?.map((entry: unknown) => {
      const { loss } = (entry ?? {}) as Partial<TermOptions>;
      const name = descriptionOf(loss)?.name;
      return name !== undefined && lossByName(name) === loss ? { ...(entry as object), loss: name } : entry;
    }) ?? list
  );
}
