/** Scores of a confusion matrix: counts[i][j] is the number of pixels labelled i and predicted j. */

/** The scores of each class; NaN for a class that is neither labelled nor predicted. */
export interface ClassScores {
  iou: number[];
  dice: number[];
  precision: number[];
  recall: number[];
}

export function classScores(counts: readonly number[][]): ClassScores {
  const rows = counts.map((row) => row.reduce((sum, count) => sum + count, 0));
  const columns = counts.map((_, j) => counts.reduce((sum, row) => sum + row[j]!, 0));
  const each = (score: (both: number, labelled: number, predicted: number) => [number, number]) =>
    counts.map((row, c) => {
      if (rows[c]! + columns[c]! === 0) return NaN;
      const [numerator, denominator] = score(row[c]!, rows[c]!, columns[c]!);
      return denominator > 0 ? numerator / denominator : 0;
    });
  return {
    iou: each((both, labelled, predicted) => [both, labelled + predicted - both]),
    dice: each((both, labelled, predicted) => [2 * both, labelled + predicted]),
    precision: each((both, _, predicted) => [both, predicted]),
    recall: each((both, labelled) => [both, labelled]),
  };
}

export interface ConfusionResult {
  /** The share of pixels on the diagonal. */
  accuracy: number;
  /** The means over the classes that are labelled or predicted. */
  meanIou: number;
  meanDice: number;
  meanPrecision: number;
  meanRecall: number;
  /**
   * Cohen's kappa: (accuracy - chance)/(1 - chance), where chance is the agreement expected if labels and predictions
   * were independent.
   */
  kappa: number;
}

export function confusionScores(counts: readonly number[][]): ConfusionResult {
  const total = counts.flat().reduce((sum, count) => sum + count, 0);
  const accuracy = counts.reduce((sum, row, c) => sum + row[c]!, 0) / total;
  const chance = counts.reduce((sum, row, c) => {
    const labelled = row.reduce((a, b) => a + b, 0) / total;
    const predicted = counts.reduce((a, other) => a + other[c]!, 0) / total;
    return sum + labelled * predicted;
  }, 0);
  const { iou, dice, precision, recall } = classScores(counts);
  return {
    accuracy,
    meanIou: meanOf(iou),
    meanDice: meanOf(dice),
    meanPrecision: meanOf(precision),
    meanRecall: meanOf(recall),
    kappa: (accuracy - chance) / (1 - chance),
  };
}

function meanOf(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}
