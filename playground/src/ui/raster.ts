/** Grids of numbers, as canvases with one pixel per number, enlarged by CSS. */
import { h } from './dom.js';
import type { Rgb } from './theme.js';

export interface Raster {
  canvas: HTMLCanvasElement;
  draw(colourAt: (index: number) => Rgb): void;
}

export function raster(width: number, height: number, attributes: Record<string, string> = {}): Raster {
  const canvas = h('canvas', { width, height, class: 'raster', ...attributes });
  const context = canvas.getContext('2d')!;
  const image = context.createImageData(width, height);
  return {
    canvas,
    draw(colourAt) {
      for (let i = 0; i < width * height; i++) {
        const [r, g, b] = colourAt(i);
        image.data.set([r, g, b, 255], 4 * i);
      }
      context.putImageData(image, 0, 0);
    },
  };
}
