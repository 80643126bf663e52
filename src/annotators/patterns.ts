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

/** A table may have so many slots per pixel; with more, most of them would be empty, and a map is smaller. */
const TABLE_SLOTS_PER_PIXEL = 8;

/** Like a map from slots to numbers >= 0, and much faster. */
function tableOf(slots: number): Pick<Map<number, number>, 'get'> & { set(slot: number, number: number): unknown } {
  const numbers = new Int32Array(slots).fill(-1);
  return {
    get: (slot) => (numbers[slot] === -1 ? undefined : numbers[slot]),
    set: (slot, number) => (numbers[slot] = number),
  };
}

/** @param answers for each annotator a class 0..classes-1 per pixel, or -1 */
export function patternsOf(answers: readonly Int32Array[], classes: number): Patterns {
  const pixels = answers[0]!.length;
  const ofPixel = new Int32Array(pixels);
  let known = 1;
  // One annotator after the other splits the patterns that the ones before have left together.
  for (const own of answers) {
    const slots = known * (classes + 1);
    const numberOf = slots <= TABLE_SLOTS_PER_PIXEL * pixels ? tableOf(slots) : new Map<number, number>();
    known = 0;
    for (let i = 0; i < pixels; i++) {
      const slot = ofPixel[i]! * (classes + 1) + own[i]! + 1;
      let number = numberOf.get(slot);
      if (number === undefined) numberOf.set(slot, (number = known++));
      ofPixel[i] = number;
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
