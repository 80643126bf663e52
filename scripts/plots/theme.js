// Colours and lines of the pictures in the docs. They can be read on white and on dark backgrounds, because an SVG that
// a page shows as an image does not know which one it is on.

export const GREY = '#7d8590';
export const BLUE = '#4c8dd6';
export const ORANGE = '#d9730d';
export const GREEN = '#2da44e';
const MAGENTA = '#d6409f';
const VIOLET = '#9a6ee8';

/** Styles of the curves of one panel, in this order. They differ in their dashes as well as in colour. */
export const LINES = [
  { stroke: BLUE },
  { stroke: ORANGE, strokeDasharray: '8 3' },
  { stroke: GREEN, strokeDasharray: '2 2.5' },
  { stroke: MAGENTA, strokeDasharray: '10 3 2 3' },
  { stroke: VIOLET, strokeDasharray: '5 3' },
];

export const FONT_SIZE = 11;
/** Width of a curve. */
export const LINE_WIDTH = 2;
/** A ring marks the smallest value of a curve. */
export const RING = { r: 4, strokeWidth: 1.8 };
/** Opacity of the lines across a panel at its ticks. */
export const GRID = 0.22;
