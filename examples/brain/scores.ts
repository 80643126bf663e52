/** Scores of predictions p against soft labels t, over all labelled pixels of all images. README.md defines them. */
export interface Scores {
  softIou: number;
  argmaxIou: number;
  absoluteError: number;
  brier: number;
  calibrationError: number;
}

const BINS = 10;

/** The sums that the scores are made of, for each class. */
const newSums = () => ({
  minimum: 0,
  maximum: 0,
  both: 0,
  either: 0,
  counts: new Float64Array(BINS),
  predicted: new Float64Array(BINS),
  labelled: new Float64Array(BINS),
});

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The class of a pixel: the first largest channel. With one channel 0 if it is above a half, otherwise none (-1). */
const chosen = (values: ArrayLike<number>, start: number, classes: number): number => {
  if (classes === 1) return values[start]! > 0.5 ? 0 : -1;
  let best = 0;
  for (let c = 1; c < classes; c++) if (values[start + c]! > values[start + best]!) best = c;
  return best;
};

/** The scores of probabilities, which like the labels have the class last; labels below 0 do not count. */
export const score = (p: ArrayLike<number>, t: ArrayLike<number>, classes: number): Scores => {
  const sums = Array.from({ length: classes }, newSums);
  let [pixels, absolute, squared] = [0, 0, 0];
  for (let start = 0; start < t.length; start += classes) {
    if (t[start]! < 0) continue;
    pixels++;
    const [guess, truth] = [chosen(p, start, classes), chosen(t, start, classes)];
    for (let c = 0; c < classes; c++) {
      const [a, b, of] = [p[start + c]!, t[start + c]!, sums[c]!];
      absolute += Math.abs(a - b);
      squared += (a - b) ** 2;
      of.minimum += Math.min(a, b);
      of.maximum += Math.max(a, b);
      of.both += Number(guess === c && truth === c);
      of.either += Number(guess === c || truth === c);
      const bin = Math.min(BINS - 1, Math.floor(a * BINS));
      of.counts[bin]!++;
      of.predicted[bin]! += a;
      of.labelled[bin]! += b;
    }
  }
  const gap = ({ predicted, labelled }: ReturnType<typeof newSums>) =>
    predicted.reduce((sum, value, bin) => sum + Math.abs(value - labelled[bin]!), 0) / pixels;
  return {
    softIou: mean(sums.filter((of) => of.maximum > 0).map((of) => of.minimum / of.maximum)),
    argmaxIou: mean(sums.filter((of) => of.either > 0).map((of) => of.both / of.either)),
    absoluteError: absolute / pixels / classes,
    brier: squared / pixels,
    calibrationError: mean(sums.map(gap)),
  };
};
