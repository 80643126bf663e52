/** Shows slices: the image, its label, the prediction and the error. */
import { mixture } from '../../../examples/shared/colours.js';
import { h } from '../ui/dom.js';
import { fixed } from '../ui/format.js';
import { raster, type Raster } from '../ui/raster.js';
import type { Rgb } from '../ui/theme.js';
import { CLASSES, HEIGHT, SLICE_PIXELS, WIDTH, type Shown } from './messages.js';

const COLUMNS = ['T1 image', 'label', 'prediction', 'error'] as const;
const ROWS = 3;

const grey = (value: number): Rgb => {
  const level = Math.round(255 * value);
  return [level, level, level];
};

export interface Pictures {
  element: HTMLElement;
  show(shown: readonly Shown[]): void;
  predict(probabilities: readonly Float32Array[]): void;
}

export function pictures(): Pictures {
  let slices: readonly Shown[] = [];
  const rows = Array.from({ length: ROWS }, () =>
    COLUMNS.map((name) => raster(WIDTH, HEIGHT, { role: 'img', 'aria-label': `${name}: not available yet` })),
  );
  const say = ({ canvas }: Raster, text: string) => canvas.setAttribute('aria-label', text);
  const element = h(
    'div',
    { class: 'pictures' },
    ...COLUMNS.map((name) => h('span', { class: 'head', 'aria-hidden': 'true' }, name)),
    ...rows.flatMap((row) => row.map(({ canvas }) => canvas)),
  );
  return {
    element,
    show(shown) {
      slices = shown;
      shown.forEach(({ image, labels, title }, i) => {
        const [t1, label] = rows[i]! as [Raster, Raster];
        t1.draw((pixel) => grey(image[pixel]!));
        say(t1, `T1 image, ${title}`);
        label.draw((pixel) => mixture(labels, pixel * CLASSES, CLASSES));
        say(label, `Label, ${title}: ${shares(labels)}`);
      });
    },
    predict(probabilities) {
      probabilities.forEach((p, i) => {
        const { labels, title } = slices[i]!;
        const [, , prediction, error] = rows[i]! as [Raster, Raster, Raster, Raster];
        prediction.draw((pixel) => mixture(p, pixel * CLASSES, CLASSES));
        say(prediction, `Prediction, ${title}: ${shares(p)}`);
        const errorAt = (pixel: number) => {
          let sum = 0;
          for (let c = 0; c < CLASSES; c++) sum += Math.abs(p[pixel * CLASSES + c]! - labels[pixel * CLASSES + c]!);
          return Math.min(1, sum / 2);
        };
        error.draw((pixel) => grey(errorAt(pixel)));
        const mean = Array.from({ length: SLICE_PIXELS }, (_, pixel) => errorAt(pixel)).reduce((a, b) => a + b, 0);
        say(error, `Error, ${title}: ${fixed(mean / SLICE_PIXELS, 3)} on average`);
      });
    },
  };
}

/** The share of each kind of matter in the slice, in words. */
function shares(p: Float32Array): string {
  const share = (c: number) => {
    let sum = 0;
    for (let i = c; i < p.length; i += CLASSES) sum += p[i]!;
    return `${Math.round((100 * sum) / SLICE_PIXELS)}%`;
  };
  return `${share(1)} grey matter, ${share(2)} white matter`;
}
