/** The colours that canvases need as numbers. All other colours are in style.css. */

export type Rgb = readonly [number, number, number];

const dark = matchMedia('(prefers-color-scheme: dark)');

const isDark = () => dark.matches;

export const onThemeChange = (run: () => void) => dark.addEventListener('change', run);

const LIGHT = {
  paper: [255, 255, 255],
  ink: [24, 34, 43],
  below: [0, 82, 158],
  middle: [240, 241, 239],
  above: [176, 68, 0],
};
const DARK = {
  paper: [16, 20, 24],
  ink: [240, 243, 245],
  below: [110, 185, 255],
  middle: [28, 33, 38],
  above: [255, 158, 66],
};

const colours = () => (isDark() ? DARK : LIGHT) as unknown as Record<keyof typeof LIGHT, Rgb>;

const mix = (from: Rgb, to: Rgb, share: number): Rgb =>
  [0, 1, 2].map((i) => Math.round(from[i]! + (to[i]! - from[i]!) * share)) as unknown as Rgb;

/** The colour of a probability: paper at 0, ink at 1. */
export function shade(p: number): Rgb {
  const { paper, ink } = colours();
  return mix(paper, ink, Math.min(1, Math.max(0, p)));
}

/** The colour of a number in [-1, 1]: blue below 0, orange above, which colour-blind people can also tell apart. */
export function diverging(value: number): Rgb {
  const { below, middle, above } = colours();
  const share = Math.min(1, Math.abs(value)) ** 0.7;
  return mix(middle, value < 0 ? below : above, share);
}
