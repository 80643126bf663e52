import { SIZE } from './presets.js';
import type { Cell } from './grid.js';

/** Calls `paint` with the cells under a round brush that goes from one cell to another. */
export function stroke(from: Cell, to: Cell, diameter: number, paint: (index: number) => void): void {
  const steps = Math.max(1, Math.abs(to.row - from.row), Math.abs(to.column - from.column));
  const radius = diameter / 2;
  const reach = Math.ceil(radius);
  const done = new Set<number>();
  for (let step = 0; step <= steps; step++) {
    const row = Math.round(from.row + ((to.row - from.row) * step) / steps);
    const column = Math.round(from.column + ((to.column - from.column) * step) / steps);
    for (let dy = -reach; dy <= reach; dy++) {
      for (let dx = -reach; dx <= reach; dx++) {
        const [y, x] = [row + dy, column + dx];
        if (Math.hypot(dy, dx) >= radius || y < 0 || x < 0 || y >= SIZE || x >= SIZE) continue;
        done.add(y * SIZE + x);
      }
    }
  }
  done.forEach(paint);
}
