import { HorizontalAlign, Jimp, loadFont } from 'jimp';
import { SANS_16_BLACK } from 'jimp/fonts';
import { classColour, type Colour, heat, mixture } from '../shared/colours.js';
import { smallPng } from '../shared/smallPng.js';
import type { Dataset } from './dataset.js';
import type { Outcome } from './experiment.js';
import { LOSSES } from './losses.js';

const GAP = 6;
const HEADER = 26;
const LINE = 20;
const COLUMN = 150; // the smallest width of a column in pixels, so that the titles fit
const MOST_TILE_HEIGHT = 1000; // the largest height to which narrow images are enlarged
const MOST_ERROR = 0.5;

type ColourAt = (row: number, column: number) => Colour;

/** The contents of the picture: labels and predictions in the order of the tensors. */
export interface Shown {
  dataset: Dataset;
  labels: ArrayLike<number>;
  outcomes: Outcome[];
  /** Height and width of the tensors, padding included. */
  padded: { height: number; width: number };
}

/** A PNG with a row of predictions and a row of errors for each shown image, and a column for each loss. */
export const drawPicture = async ({ dataset, labels, outcomes, padded }: Shown): Promise<Uint8Array> => {
  const { height, width, channels } = dataset;
  const classes = dataset.classes.length;
  const scale = Math.max(1, Math.min(Math.ceil(COLUMN / width), Math.floor(MOST_TILE_HEIGHT / height)));
  const [tileWidth, tileHeight] = [width * scale, height * scale];
  const columnWidth = Math.max(COLUMN, tileWidth);
  const columns = 2 + outcomes.length;
  const named = dataset.classes.map((name, c) => ({ name, c })).filter(({ c }) => classes === 1 || c > 0);
  // The legend is below the first image, and titles are below the others; both may be higher than an image.
  const legendHeight = 4 + (named.length + 3) * LINE;
  const lowerHeight = (row: number) => Math.max(tileHeight, row === 0 ? legendHeight : 4 + LINE);
  const tops: number[] = [];
  let bottom = HEADER;
  for (const row of dataset.shown.keys()) {
    tops.push(bottom);
    bottom += tileHeight + GAP + lowerHeight(row) + 2 * GAP;
  }
  const canvas = new Jimp({
    width: GAP + columns * (columnWidth + GAP),
    height: bottom,
    color: 0xffffffff,
  });
  const font = await loadFont(SANS_16_BLACK);
  const left = (column: number) => GAP + column * (columnWidth + GAP);
  const { data } = canvas.bitmap;

  const write = (column: number, y: number, text: string) =>
    canvas.print({
      font,
      x: left(column),
      y,
      maxWidth: columnWidth,
      text: { text, alignmentX: HorizontalAlign.CENTER },
    });
  const fill = (x: number, y: number, [red, green, blue]: Colour) =>
    data.set([red, green, blue, 255], 4 * (y * canvas.bitmap.width + x));
  const draw = (column: number, top: number, colourAt: ColourAt) => {
    for (let y = 0; y < tileHeight; y++) {
      for (let x = 0; x < tileWidth; x++) {
        fill(left(column) + x, top + y, colourAt(Math.floor(y / scale), Math.floor(x / scale)));
      }
    }
  };
  const swatch = (column: number, y: number, colour: Colour, name: string) => {
    for (let dy = 0; dy < 14; dy++) {
      for (let dx = 0; dx < 14; dx++) {
        const edge = dx % 13 === 0 || dy % 13 === 0;
        fill(left(column) + dx, y + 2 + dy, edge ? [0, 0, 0] : colour);
      }
    }
    canvas.print({ font, x: left(column) + 20, y, text: name });
  };

  [dataset.imageTitle, 'soft label', ...outcomes.map(({ loss }) => LOSSES[loss].title)].forEach((title, column) =>
    write(column, 4, title),
  );
  dataset.shown.forEach(({ index, title }, row) => {
    const top = tops[row]!;
    const below = top + tileHeight + GAP;
    const start = (y: number, x: number) => ((index * padded.height + y) * padded.width + x) * classes;
    const { image } = dataset.test[index]!;
    const grey = (y: number, x: number, channel: number) =>
      255 * image[(y * width + x) * channels + Math.min(channel, channels - 1)]!;
    draw(0, top, (y, x) => [0, 1, 2].map((channel) => grey(y, x, channel)) as Colour);
    draw(1, top, (y, x) => mixture(labels, start(y, x), classes));
    outcomes.forEach(({ predictions }, i) => {
      draw(2 + i, top, (y, x) => mixture(predictions, start(y, x), classes));
      draw(2 + i, below, (y, x) => {
        let error = 0;
        for (let c = 0; c < classes; c++) {
          error += Math.abs(predictions[start(y, x) + c]! - labels[start(y, x) + c]!);
        }
        return heat((classes === 1 ? error : error / 2) / MOST_ERROR);
      });
    });
    write(0, below + 4, title);
    if (row === 0) {
      named.forEach(({ name, c }, i) => swatch(1, below + 4 + i * LINE, classColour(c, classes), name));
      const legend = below + lowerHeight(row) - 3 * LINE;
      write(1, legend, 'abs(p - t), 0 to 0.5');
      for (let y = 0; y < 12; y++) {
        for (let x = 0; x < columnWidth; x++) fill(left(1) + x, legend + LINE + 4 + y, heat(x / columnWidth));
      }
    }
  });
  return smallPng(canvas.bitmap);
};
