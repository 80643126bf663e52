/** Facts that tests read from the descriptions of losses, so that they cover a new loss without naming it. */
import type { OptionRule } from '../../src/losses/descriptions/optionRules.js';
import type { AnyDescription } from '../../src/losses/descriptions/lossDescription.js';
import { REGION_RULES } from '../../src/losses/families/options.js';
import { LOSSES as REGISTERED, type LossName } from '../../src/training/lossRegistry.js';

export type { LossName };

export const ALL_LOSSES = Object.keys(REGISTERED) as readonly LossName[];

export const descriptionNamed = (name: LossName): AnyDescription => REGISTERED[name].description;

/** The losses that share the pass over the pixels. Each has its oracle in reference/. */
export const PASS_LOSSES = ALL_LOSSES.filter((name) => descriptionNamed(name).resolve);

/** True if the loss takes the options of region losses: it is one, or has one among its terms. */
export const hasRegion = (name: LossName): boolean =>
  Object.keys(REGION_RULES).every((option) => option in descriptionNamed(name).options);

/** True if the loss has several terms of different shapes, which reduction 'none' cannot add up. */
export function isSum(name: LossName): boolean {
  try {
    descriptionNamed(name).resolve!({ classes: 2, activation: 'sigmoid' }, { reduction: 'none' });
    return false;
  } catch {
    return true;
  }
}

/** The losses that are a single formula on the sums. */
export const REGION_LOSSES = PASS_LOSSES.filter((name) => hasRegion(name) && !isSum(name));

/** The loss's name in `weights` of comboLoss. */
export const termOf = (name: LossName): string => name.replace(/Loss$/, '');

/** The loss's own options, with their rules. */
export const ownRules = (name: LossName): [string, OptionRule][] => {
  const { own, options } = descriptionNamed(name);
  return own.map((option) => [option, options[option]!]);
};

/** Values that the rule allows, apart from its default: at most two numbers. None for tensors, lists and functions. */
export function valuesOf(rule: OptionRule): unknown[] {
  switch (rule.kind) {
    case 'flag':
      return [!rule.default];
    case 'choice':
      return rule.values.filter((value) => value !== rule.default);
    case 'number': {
      const { least, most = Infinity, open, integer } = rule;
      const fits = (x: number) =>
        (!integer || Number.isInteger(x)) &&
        (open ? x > least : x >= least) &&
        (open === 'both' ? x < most : x <= most);
      return [0.75, 2, 0.25, least, least + 1].filter((x) => fits(x) && x !== rule.default).slice(0, 2);
    }
    case 'other':
      return [];
  }
}

/** The loss with each of its own options alone, one value after the other. */
export const ownVariants = (name: LossName): Record<string, unknown>[] =>
  ownRules(name).flatMap(([option, rule]) => valuesOf(rule).map((value) => ({ [option]: value })));

/** Values that the rule refuses, with the beginning of the message after the option's name. */
export function refusedValues(rule: OptionRule): [value: unknown, message: string][] {
  switch (rule.kind) {
    case 'flag':
      return [[1, 'must be true or false, got 1']];
    case 'choice':
      return [['nothing', `must be ${rule.values.map((value) => `'${value}'`).join(', ')}, got "nothing"`]];
    case 'number': {
      const { least, most, open } = rule;
      const outside = [NaN, '1', least - 1, ...(open ? [least] : []), ...(most === undefined ? [] : [most + 1])];
      return outside.map((value) => [value, 'must be a']);
    }
    case 'other':
      return [];
  }
}
