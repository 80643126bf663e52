export type Colour = [number, number, number];

/** Colours of classes that can be told apart by people who are red-green blind. A background class is black. */
const PALETTE: Colour[] = [
  [70, 120, 255],
  [255, 190, 40],
  [0, 170, 140],
  [230, 90, 160],
  [150, 220, 255],
  [190, 120, 60],
  [240, 240, 240],
];

export const classColour = (index: number, classes: number): Colour => {
  if (classes === 1) return [255, 255, 255];
  return index === 0 ? [0, 0, 0] : PALETTE[(index - 1) % PALETTE.length]!;
};

/** The mixture of the class colours by the probabilities from `start` on. */
export const mixture = (p: ArrayLike<number>, start: number, classes: number): Colour => {
  const mixed: Colour = [0, 0, 0];
  for (let c = 0; c < classes; c++) {
    classColour(c, classes).forEach((part, i) => (mixed[i]! += Math.max(0, p[start + c]!) * part));
  }
  return mixed;
};

/** Black at 0 through red and yellow to white at 1. */
export const heat = (value: number): Colour => {
  const level = Math.min(1, value) * 3;
  return [level, level - 1, level - 2].map((part) => 255 * Math.min(1, Math.max(0, part))) as Colour;
};
