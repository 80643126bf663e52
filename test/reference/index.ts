export * from './ndarray.js';
export * from './overlap.js';
export * from './losses.js';
export * from './combo.js';
export * from './relaxations.js';
export * from './differences.js';
export type { Activation, PixelOptions } from './pixels.js';
