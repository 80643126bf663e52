/** A square map of numbers that the user can read, and paint on, with the pointer or the keyboard. */
import { h, newId, svg } from '../ui/dom.js';
import { raster } from '../ui/raster.js';
import type { Rgb } from '../ui/theme.js';
import { SIZE } from './presets.js';

export interface Cell {
  row: number;
  column: number;
}

export interface GridOptions {
  title: string;
  /** A description of the keys, for screen readers. */
  help: string;
  /**
   * Called when the cursor has moved to a cell. `spoken`: it moved by key, so a screen reader should read the values.
   */
  onCursor(cell: Cell, spoken: boolean): void;
  /** Called for each stroke of the brush from cell to cell. Without it, the map is read-only. */
  onStroke?(from: Cell, to: Cell, erase: boolean): void;
  below: HTMLElement;
}

export interface Grid {
  element: HTMLElement;
  draw(colourAt: (index: number) => Rgb): void;
  /** Draws lines around the set cells of each mask, each mask in its own style. */
  outline(masks: readonly Uint8Array[], active: number): void;
  cursor(cell: Cell): void;
  describe(summary: string): void;
}

const MOVES: Record<string, readonly [number, number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

const inside = (value: number) => Math.min(SIZE - 1, Math.max(0, value));

export function grid({ title, help, onCursor, onStroke, below }: GridOptions): Grid {
  const map = raster(SIZE, SIZE, { 'aria-hidden': 'true' });
  const lines = svg('g');
  const box = svg('rect', { class: 'cursor', x: 0, y: 0, width: 1, height: 1 });
  const overlay = svg('svg', { viewBox: `0 0 ${SIZE} ${SIZE}`, 'aria-hidden': 'true' }, lines, box);
  const id = newId('grid');
  const description = h('span', { id, class: 'unseen' });
  const area = h(
    'div',
    {
      class: onStroke ? 'area paintable' : 'area',
      tabindex: 0,
      role: 'application',
      'aria-roledescription': 'map',
      'aria-label': title,
      'aria-describedby': id,
    },
    map.canvas,
    overlay,
  );
  let at: Cell = { row: 0, column: 0 };

  const cellOf = (event: PointerEvent): Cell => {
    const { left, top, width, height } = area.getBoundingClientRect();
    const part = (offset: number, length: number) => inside(Math.floor((offset / length) * SIZE));
    return { row: part(event.clientY - top, height), column: part(event.clientX - left, width) };
  };
  area.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    area.setPointerCapture(event.pointerId);
    const cell = cellOf(event);
    onCursor(cell, false);
    onStroke?.(cell, cell, event.shiftKey);
    at = cell;
  });
  area.addEventListener('pointermove', (event) => {
    if (event.pointerType === 'touch' && event.buttons === 0) return;
    const before = at;
    const cell = cellOf(event);
    if (cell.row === before.row && cell.column === before.column) return;
    onCursor(cell, false);
    if (event.buttons & 1) onStroke?.(before, cell, event.shiftKey);
    at = cell;
  });
  area.addEventListener('keydown', (event) => {
    const move = MOVES[event.key];
    if (move) {
      const before = at;
      at = { row: inside(at.row + move[0]), column: inside(at.column + move[1]) };
      if (event.shiftKey) onStroke?.(before, at, false);
      onCursor(at, true);
    } else if (onStroke && (event.key === ' ' || event.key === 'Enter')) {
      onStroke(at, at, false);
      onCursor(at, true);
    } else if (onStroke && (event.key === 'Backspace' || event.key === 'Delete')) {
      onStroke(at, at, true);
      onCursor(at, true);
    } else return;
    event.preventDefault();
  });

  return {
    element: h('figure', { class: 'grid' }, h('figcaption', {}, title), area, below, description),
    draw: (colourAt) => map.draw(colourAt),
    outline(masks, active) {
      lines.replaceChildren(
        ...masks.map((mask, i) =>
          svg('path', { d: border(mask), class: `outline style-${i + 1}${i === active ? ' active' : ''}` }),
        ),
      );
    },
    cursor(cell) {
      at = cell;
      box.setAttribute('x', String(cell.column));
      box.setAttribute('y', String(cell.row));
    },
    describe(summary) {
      description.textContent = `${summary} ${help}`;
    },
  };
}

/** An SVG path along the edges between cells that are set and cells that are not. */
function border(mask: Uint8Array): string {
  const set = (row: number, column: number) =>
    row >= 0 && column >= 0 && row < SIZE && column < SIZE && mask[row * SIZE + column] === 1;
  let d = '';
  for (let row = 0; row <= SIZE; row++) {
    for (let column = 0; column <= SIZE; column++) {
      if (set(row, column) !== set(row - 1, column)) d += `M${column} ${row}h1`;
      if (set(row, column) !== set(row, column - 1)) d += `M${column} ${row}v1`;
    }
  }
  return d;
}
