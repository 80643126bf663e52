/** The options of losses as data: losses check and complete what they are given by it; tests and the playground read it. */
import { checkBoolean, checkInteger, checkNumber, checkOneOf, fail, show } from '../../checks.js';

interface SharedRule {
  /** It means another thing in each loss that has it, so comboLoss hands it to one loss at most. */
  readonly ownMeaning?: true;
  /** comboLoss does not hand it to this loss next to that option. */
  readonly notWith?: string;
  /** The value as a file can hold it, where the value itself is not plain. */
  toJson?(value: unknown): unknown;
}

export interface NumberRule extends SharedRule {
  readonly kind: 'number';
  readonly default: number | undefined;
  readonly least: number;
  readonly most?: number;
  /** `least` itself is out of range; `'both'`: `most`, too. */
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
  /** Without one the default depends on the other arguments. */
  readonly default: string | undefined;
}

/** Tensors, lists and functions, which are checked where they are used. */
export interface OtherRule extends SharedRule {
  readonly kind: 'other';
}

export type OptionRule = NumberRule | FlagRule | ChoiceRule | OtherRule;

/** A rule for each option of O: a loss whose type has an option without a rule does not compile. */
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

/** The options that rules allow, where their type is not written out. A rule of kind `'other'` says nothing about it. */
export type OptionsOfRules<R extends Readonly<Record<string, OptionRule>>> = {
  -readonly [K in keyof R]?: R[K] extends FlagRule
    ? boolean
    : R[K] extends NumberRule
      ? number
      : R[K] extends ChoiceRule
        ? R[K]['values'][number]
        : unknown;
};

/** The same with the defaults filled in: only what has no default may be missing. */
export type FilledOptions<R extends Readonly<Record<string, OptionRule>>> = {
  [K in keyof OptionsOfRules<R>]: R[K] extends { default: undefined } | OtherRule
    ? OptionsOfRules<R>[K] | undefined
    : Exclude<OptionsOfRules<R>[K], undefined>;
};

export const FLAG: FlagRule = { kind: 'flag', default: false };
export const OTHER: OtherRule = { kind: 'other' };

type Rules = Readonly<Record<string, OptionRule>>;

/** Both together: a call marked as pure, which bundlers drop where nobody reads the rules, as they do not drop `...`. */
export const joinRules = <A extends object, const B extends Rules>(a: A, b: B): A & B => ({ ...a, ...b });

/** The options with the defaults of those that are not given, all checked. `rules` may be some of the rules. */
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
