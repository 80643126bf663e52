/**
 * The patterns of a set of masks: the distinct combinations of answers that A annotators gave to pixels. With few
 * annotators there are few patterns, however many pixels, and all pixels of a pattern have the same consensus.
 */
export interface Patterns {
  /** The A answers of each pattern, -1 where the annotator did not look. */
  answers: Int32Array[];
  /**
   * The number of pixels of each pattern; 0 for pixels at which no annotator looked, because they carry no information.
   */
  counts: Float64Array;
  /** The index of each pixel's pattern. */
  patternOfPixel: Int32Array;
}

/**
 * A table is used up to this number of slots per pixel. With more, nearly all would be empty, and a map takes less
 * memory.
 */
const TABLE_SLOTS_PER_PIXEL = 8;

/** A table from slots to numbers >= 0, which is used like a map and much faster. */
function tableOf(slots: number): Pick<Map<number, number>, 'get'> & { set(slot: number, number: number): unknown } {
  const numbers = new Int32Array(slots).fill(-1);
  return {
    get: (slot) => (numbers[slot] === -1 ? undefined : numbers[slot]),
    set: (slot, number) => (numbers[slot] = number),
  };
}

/**
 * Finds the patterns.
 *
 * @param answers for each annotator a class 0..classes-1 per pixel, or -1
 */
export function patternsOf(answers: readonly Int32Array[], classes: number): Patterns {
  const pixels = answers[0]!.length;
  const patternOfPixel = new Int32Array(pixels);
  let known = 1;
  // Each annotator's answers split the patterns of the annotators before.
  for (const own of answers) {
    const slots = known * (classes + 1);
    const numberOf = slots <= TABLE_SLOTS_PER_PIXEL * pixels ? tableOf(slots) : new Map<number, number>();
    known = 0;
    for (let i = 0; i < pixels; i++) {
      const slot = patternOfPixel[i]! * (classes + 1) + own[i]! + 1;
      let number = numberOf.get(slot);
      if (number === undefined) numberOf.set(slot, (number = known++));
      patternOfPixel[i] = number;
    }
  }
  const counts = new Float64Array(known);
  const examples = new Int32Array(known);
  for (let i = 0; i < pixels; i++) {
    counts[patternOfPixel[i]!]!++;
    examples[patternOfPixel[i]!] = i;
  }
  const given = Array.from(examples, (i) => Int32Array.from(answers, (own) => own[i]!));
  given.forEach((pattern, k) => {
    if (!looked(pattern)) counts[k] = 0;
  });
  return { answers: given, counts, patternOfPixel };
}

/** True if any annotator looked at the pixels of a pattern. */
export function looked(pattern: Int32Array): boolean {
  return pattern.some((answer) => answer >= 0);
}
