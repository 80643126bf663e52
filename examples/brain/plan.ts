import type { Engine } from 'softseg/node';
import { LOSS_NAMES, type LossName } from './losses.js';
import type { Options } from './options.js';

/** The settings of a run, for any data. */
export interface Plan {
  losses: LossName[];
  epochs: number;
  /** Channels of the network's levels. */
  levels: number[];
  batchSize: number;
  learningRate: number;
  seed: number;
}

const FULL: Plan = {
  losses: LOSS_NAMES,
  epochs: 40,
  levels: [8, 16, 32, 64],
  batchSize: 4,
  learningRate: 2e-3,
  seed: 1,
};

/** Settings that take the same three minutes on the wasm backend. */
const SMALL: Plan = { ...FULL, losses: ['cross-entropy', 'product-dice', 'cross-entropy+metric-iou'], epochs: 15 };

const OWN_DATA: LossName[] = ['cross-entropy+metric-iou'];

/** The settings of a run: those of the backend, changed by the options. The notes say what is smaller than usual. */
export const makePlan = (options: Options, { backend }: Engine): { plan: Plan; notes: string[] } => {
  const usual = backend === 'tensorflow' ? FULL : SMALL;
  const losses = options.losses ?? (options.data === undefined ? usual.losses : OWN_DATA);
  const plan = { ...usual, losses, epochs: options.epochs ?? usual.epochs };
  if (usual === FULL) return { plan, notes: [] };
  const sizes = [
    ...(plan.losses.length < FULL.losses.length && !options.losses && !options.data
      ? [`${plan.losses.length} losses instead of ${FULL.losses.length}`]
      : []),
    ...(plan.epochs < FULL.epochs && !options.epochs ? [`${plan.epochs} epochs instead of ${FULL.epochs}`] : []),
  ];
  return { plan, notes: sizes.length > 0 ? [`on ${backend} this run is smaller: ${sizes.join(', ')}`] : [] };
};
