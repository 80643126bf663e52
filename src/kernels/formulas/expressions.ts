/** The steps of a program as expressions, which WGSL and GLSL share; each language defines the functions they call. */
import { STEEPEST } from '../../algebra/algebra.js';
import type { Step } from '../../algebra/recorded.js';

/** The parts in which languages, and the places that values are kept in, differ. */
export interface Language {
  /** A number as a float. */
  literal(value: number): string;
  /** The value of an input, a number or a sum at row n and column c. */
  read(step: Step): string;
}

export const isSum = ({ op }: Step): boolean => op === 'sumOfRows' || op === 'sumOfColumns';

/** True for a row whose values differ, which is kept in a list of its own. */
export const isVaried = ({ op, values = [] }: Step): boolean => op === 'row' && new Set(values).size > 1;

/** The expression for a step whose arguments have the given names. */
export function expression(step: Step, [a, b]: readonly string[], { literal, read }: Language): string {
  const { op, parameter = 0, values } = step;
  switch (op) {
    case 'input':
    case 'number':
    case 'sumOfRows':
    case 'sumOfColumns':
      return read(step);
    case 'constant':
      return literal(parameter);
    case 'row':
      return isVaried(step) ? read(step) : literal(values![0]!);
    case 'add':
      return `${a} + ${b}`;
    case 'sub':
      return `${a} - ${b}`;
    case 'mul':
      return `${a} * ${b}`;
    case 'divide':
      return `divided(${a}, ${b}, ${literal(parameter)})`;
    case 'guardedDivide':
      return `guardedDivided(${a}, ${b})`;
    case 'power':
      return power(parameter, parameter < 0 ? `atLeast(${a}, ${literal(STEEPEST)})` : a!, literal);
    case 'log':
      return `logFrom(${a})`;
    case 'atLeast':
      return `atLeast(${a}, ${literal(parameter)})`;
    case 'logCosh':
      return `logCosh(${a})`;
    case 'tanh':
      return `tanhOf(${a})`;
    case 'step':
      return `stepOf(${a})`;
  }
}

function power(exponent: number, x: string, literal: Language['literal']): string {
  if (exponent === 0.5) return `sqrt(atLeast(${x}, 0.0))`;
  if (exponent === 1) return `atLeast(${x}, 0.0)`;
  if (exponent === 2) return `atLeast(${x}, 0.0) * atLeast(${x}, 0.0)`;
  if (exponent === -0.5) return `1.0 / sqrt(${x})`;
  return `powerOf(${x}, ${literal(exponent)})`;
}
