/** Pictures of tensors, side by side and enlarged. They are read back with dataSync, which WebGPU does not allow. */
import { basename, dirname } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { Jimp, loadFont, measureText } from 'jimp';
import { SANS_16_BLACK } from 'jimp/fonts';
import { type Colour, heat } from './colours.js';
import { say } from './output.js';
import { smallPng } from './smallPng.js';
import { writeWhole } from './write.js';

/** The colours of one image, row by row. */
export interface Tile {
  height: number;
  width: number;
  colours: Colour[];
}

/** Image `index` of [N, H, W] or [N, H, W, 1], from black at its smallest value to white at its largest. */
export const greyTile = (images: tf.Tensor, index: number): Tile => {
  const { height, width, values } = read(images, index);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const grey = (value: number) => (255 * (value - least)) / Math.max(most - least, 1e-6);
  return { height, width, colours: Array.from(values, (value): Colour => [grey(value), grey(value), grey(value)]) };
};

/** Image `index` of probabilities [N, H, W, C]: the colours of the C classes, mixed by their probabilities. */
export const classTile = (probabilities: tf.Tensor, index: number, classColours: readonly Colour[]): Tile => {
  const mixed = tf.tidy(() => {
    const flat = tf.reshape(probabilities, [-1, classColours.length]);
    return tf.reshape(tf.matMul(flat, tf.tensor2d(classColours as Colour[])), [...probabilities.shape.slice(0, -1), 3]);
  });
  const { height, width, values } = read(mixed, index);
  mixed.dispose();
  const colourAt = (i: number) => [0, 1, 2].map((part) => Math.min(255, values[3 * i + part]!)) as Colour;
  return { height, width, colours: Array.from({ length: height * width }, (_, i) => colourAt(i)) };
};

/** Image `index` of [N, H, W] or [N, H, W, 1]: black at 0 through red and yellow to white at `most`. */
export const heatTile = (images: tf.Tensor, index: number, most: number): Tile => {
  const { height, width, values } = read(images, index);
  return { height, width, colours: Array.from(values, (value) => heat(Math.abs(value) / most)) };
};

const read = (images: tf.Tensor, index: number) => {
  const [, height, width] = images.shape as [number, number, number];
  const values = tf.tidy(() => tf.slice(images, index, 1).dataSync());
  return { height, width, values };
};

export interface Picture {
  /** A title for each column. */
  titles: string[];
  rows: Tile[][];
  /** The meanings of the colours, below the rows. */
  legend?: [string, Colour][];
}

const GAP = 6;
const LINE = 26;
const COLUMN = 150; // the smallest width of a tile in pixels, so that its title fits

/** Writes a PNG. */
export const writePicture = async (path: string, { titles, rows, legend = [] }: Picture): Promise<void> => {
  const { height, width } = rows[0]![0]!;
  const scale = Math.ceil(COLUMN / width);
  const [columnStep, rowStep] = [width * scale + GAP, height * scale + GAP];
  const below = LINE + rows.length * rowStep;
  const canvas = new Jimp({
    width: GAP + titles.length * columnStep,
    height: below + (legend.length > 0 ? LINE : 0),
    color: 0xffffffff,
  });
  const paint = (left: number, top: number, [red, green, blue]: Colour, [high, wide]: [number, number]) => {
    for (let y = top; y < top + high; y++) {
      for (let x = left; x < left + wide; x++) {
        canvas.bitmap.data.set([red, green, blue, 255], 4 * (y * canvas.bitmap.width + x));
      }
    }
  };
  const font = await loadFont(SANS_16_BLACK);
  titles.forEach((text, column) => {
    const left = GAP + column * columnStep + (width * scale - measureText(font, text)) / 2;
    canvas.print({ font, x: Math.max(GAP, Math.round(left)), y: 4, text });
  });
  rows.forEach((tiles, row) =>
    tiles.forEach(({ colours }, column) =>
      colours.forEach((colour, i) => {
        const [y, x] = [Math.floor(i / width), i % width];
        paint(GAP + column * columnStep + x * scale, LINE + row * rowStep + y * scale, colour, [scale, scale]);
      }),
    ),
  );
  let x = GAP;
  for (const [text, colour] of legend) {
    paint(x, below + 4, [0, 0, 0], [14, 14]);
    paint(x + 1, below + 5, colour, [12, 12]);
    canvas.print({ font, x: x + 20, y: below + 2, text });
    x += 20 + measureText(font, text) + 20;
  }
  say(writeWhole(dirname(path), basename(path), smallPng(canvas.bitmap)));
};
