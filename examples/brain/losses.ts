import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { comboLoss, crossEntropyLoss, diceLoss, iouLoss } from 'softseg';

/** The options of all losses: how predictions become probabilities, and which label marks a pixel as unlabelled. */
export interface Shared {
  activation?: 'none';
  ignoreLabel?: number;
}

interface Loss {
  title: string;
  of(labels: Tensor, predictions: Tensor, shared?: Shared): Tensor;
  /** The network is trained by `model.fit`, or by a loop in this example. */
  trainedBy: 'fit' | 'loop';
}

/** The losses compared, under the names that `--loss` takes. */
export const LOSSES = {
  'cross-entropy': {
    title: 'cross-entropy',
    of: (labels, predictions, shared) => crossEntropyLoss(labels, predictions, shared),
    trainedBy: 'fit',
  },
  'product-dice': {
    title: 'product Dice',
    of: (labels, predictions, shared) => diceLoss(labels, predictions, { ...shared, overlap: 'product' }),
    trainedBy: 'loop',
  },
  'cross-entropy+product-dice': {
    title: 'CE + product Dice',
    of: (labels, predictions, shared) =>
      comboLoss(labels, predictions, { ...shared, weights: { crossEntropy: 1, dice: 1 }, overlap: 'product' }),
    trainedBy: 'loop',
  },
  'metric-iou': {
    title: 'metric IoU',
    of: (labels, predictions, shared) => iouLoss(labels, predictions, shared),
    trainedBy: 'loop',
  },
  'cross-entropy+metric-iou': {
    title: 'CE + metric IoU',
    of: (labels, predictions, shared) =>
      comboLoss(labels, predictions, { ...shared, weights: { crossEntropy: 1, iou: 1 } }),
    trainedBy: 'loop',
  },
} satisfies Record<string, Loss>;

export type LossName = keyof typeof LOSSES;

export const LOSS_NAMES = Object.keys(LOSSES) as LossName[];

/** A loss as a function that gives a scalar. */
export const lossFunction = (name: LossName, shared: Shared) => (labels: Tensor, predictions: Tensor) =>
  LOSSES[name].of(labels, predictions, shared) as Scalar;
