/**
 * Rules that describe the options of losses as data. With these rules, losses check their options and fill in defaults;
 * tests, docs and the playground read them.
 */
import { checkBoolean, checkInteger, checkNumber, checkOneOf, fail, show } from '../../checks.js';

interface SharedRule {
  /** The option's meaning differs between losses: comboLoss refuses it if two of its `weights` have it. */
  readonly ownMeaning?: true;
  /** The name of another option: comboLoss leaves this option out if the other one is given. */
  readonly notWith?: string;
  /** The value in a form that JSON can hold, if it cannot hold the value itself. */
  toJson?(value: unknown): unknown;
}

export interface NumberRule extends SharedRule {
  readonly kind: 'number';
  readonly default: number | undefined;
  readonly least: number;
  readonly most?: number;
  /** `true`: `least` itself is out of range; `'both'`: `least` and `most` are. */
  readonly open?: true | 'both';
  readonly integer?: true;
}

export interface FlagRule extends SharedRule {
  readonly kind: 'flag';
  readonly default: boolean;
}

export interface ChoiceRule extends SharedRule {
  readonly kind: 'choice';
  readonly values: readonly string[];
  /** `undefined` if the default depends on the other arguments. */
  readonly default: string | undefined;
}

/** The rule of tensors, lists and functions, which are checked where they are used. */
export interface OtherRule extends SharedRule {
  readonly kind: 'other';
}

export type OptionRule = NumberRule | FlagRule | ChoiceRule | OtherRule;

/** A rule for each option of O. A loss with an option in its type that has no rule does not compile. */
export type OptionRules<O extends object> = {
  readonly [K in keyof O]-?:
    | OtherRule
    | (NonNullable<O[K]> extends boolean
        ? FlagRule
        : NonNullable<O[K]> extends number
          ? NumberRule
          : NonNullable<O[K]> extends string
            ? ChoiceRule
            : never);
};

/** The type of the options that rules allow. An option with a rule of kind `'other'` may be anything. */
export type OptionsOfRules<R extends Readonly<Record<string, OptionRule>>> = {
  -readonly [K in keyof R]?: R[K] extends FlagRule
    ? boolean
    : R[K] extends NumberRule
      ? number
      : R[K] extends ChoiceRule
        ? R[K]['values'][number]
        : unknown;
};

/** The type of the options with the defaults filled in: only options without a default may be missing. */
export type FilledOptions<R extends Readonly<Record<string, OptionRule>>> = {
  [K in keyof OptionsOfRules<R>]: R[K] extends { default: undefined } | OtherRule
    ? OptionsOfRules<R>[K] | undefined
    : Exclude<OptionsOfRules<R>[K], undefined>;
};

export const FLAG: FlagRule = { kind: 'flag', default: false };
export const OTHER: OtherRule = { kind: 'other' };

type Rules = Readonly<Record<string, OptionRule>>;

/** Both sets of rules in one. Bundlers drop a call marked as pure if its result is unused, but not a spread (`...`). */
export const joinRules = <A extends object, const B extends Rules>(a: A, b: B): A & B => ({ ...a, ...b });

/** Checks the options that `rules` covers (all or some), and returns them with the defaults filled in. */
export function completeOptions<O extends object, K extends keyof O = keyof O>(
  rules: Pick<OptionRules<O>, K>,
  options: O,
): Required<Pick<O, K>> {
  const given = options as Record<string, unknown>;
  const complete = Object.entries<OptionRule>(rules).map(([name, rule]) => {
    const value = given[name];
    if (value === undefined) return [name, rule.kind === 'other' ? undefined : rule.default];
    checkOption(name, rule, value);
    return [name, value];
  });
  return Object.fromEntries(complete) as Required<Pick<O, K>>;
}

function checkOption(name: string, rule: OptionRule, value: unknown): void {
  switch (rule.kind) {
    case 'number':
      return checkRange(name, rule, value);
    case 'flag':
      return checkBoolean(name, value);
    case 'choice':
      return checkOneOf(name, value, rule.values);
    case 'other':
  }
}

function checkRange(name: string, { least, most = Infinity, open, integer }: NumberRule, value: unknown): void {
  if (integer) checkInteger(name, value, least);
  if (open === 'both' && !(typeof value === 'number' && value > least && value < most)) {
    fail(`${name} must be a number between ${least} and ${most}, got ${show(value)}`);
  }
  checkNumber(name, value, { least, most, open: open !== undefined });
}
