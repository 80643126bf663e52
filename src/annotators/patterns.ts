/**
 * The distinct combinations of answers that pixels got from A annotators. With few annotators there are few, however
 * many pixels, and all pixels of a pattern have the same consensus.
 */
export interface Patterns {
  /** For each pattern the A answers, -1 where the annotator did not look. */
  answers: Int32Array[];
  /** How many pixels have each pattern; 0 for the pattern of those that nobody looked at, which tell nothing. */
  counts: Float64Array;
  /** The pattern of each pixel. */
  ofPixel: Int32Array;
}

/** @param answers for each annotator a class 0..classes-1 per pixel, or -1 */
export function patternsOf(answers: readonly Int32Array[], classes: number): Patterns {
  const pixels = answers[0]!.length;
  const ofPixel = new Int32Array(pixels);
  let known = 1;
  // One annotator after the other splits the patterns that the ones before have left together.
  for (const own of answers) {
    const numberOf = new Int32Array(known * (classes + 1)).fill(-1);
    known = 0;
    for (let i = 0; i < pixels; i++) {
      const slot = ofPixel[i]! * (classes + 1) + own[i]! + 1;
      if (numberOf[slot] === -1) numberOf[slot] = known++;
      ofPixel[i] = numberOf[slot]!;
    }
  }
  const counts = new Float64Array(known);
  const examples = new Int32Array(known);
  for (let i = 0; i < pixels; i++) {
    counts[ofPixel[i]!]!++;
    examples[ofPixel[i]!] = i;
  }
  const given = Array.from(examples, (i) => Int32Array.from(answers, (own) => own[i]!));
  given.forEach((pattern, k) => {
    if (!looked(pattern)) counts[k] = 0;
  });
  return { answers: given, counts, ofPixel };
}

/** Whether anybody did. */
export function looked(pattern: Int32Array): boolean {
  return pattern.some((answer) => answer >= 0);
}
