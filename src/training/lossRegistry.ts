/** The losses of this package, by name. */
import { comboLoss } from '../losses/combo.js';
import * as losses from '../losses/index.js';
import {
  descriptionOf,
  type Described,
  type LossDescription,
  type LossFunction,
} from '../losses/descriptions/lossDescription.js';

const all = { ...losses, comboLoss };

/** A loss of this package that takes labels, predictions and options. */
export type LossName = { [K in keyof typeof all]: (typeof all)[K] extends Described ? K : never }[keyof typeof all];

/** The options of each loss. */
export type LossOptions = { [K in LossName]: (typeof all)[K] extends Described<infer O> ? O : never };

/** A loss in the registry. */
export type RegisteredLoss = LossFunction & { readonly description: LossDescription };

export const LOSSES = Object.fromEntries(
  Object.entries(all)
    .filter(([, loss]) => descriptionOf(loss) !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1)),
) as Record<string, unknown> as Readonly<Record<LossName, RegisteredLoss>>;

export const isLossName = (name: string): name is LossName => Object.hasOwn(LOSSES, name);

/** The name of a loss of this package; undefined for any other function. */
export function nameOfLoss(loss: unknown): LossName | undefined {
  const name = descriptionOf(loss)?.name ?? '';
  return isLossName(name) && LOSSES[name] === loss ? name : undefined;
}
