/** A button for each loss, with its value and a small gradient map for the painted label and prediction. */
import { h } from '../ui/dom.js';
import { significant } from '../ui/format.js';
import { raster } from '../ui/raster.js';
import { diverging } from '../ui/theme.js';
import type { LossName, Spec } from './catalogue.js';
import { evaluate, type Evaluation, type Painting } from './evaluate.js';
import { ORDERED } from './pages.js';
import { SIZE } from './presets.js';

export interface Gallery {
  element: HTMLElement;
  /** Recomputes all values, one loss after the other, so that painting stays smooth. */
  update(): void;
  choose(name: LossName): void;
}

export function gallery(
  specs: Record<LossName, Spec>,
  painting: Painting,
  onChoose: (name: LossName) => void,
): Gallery {
  const cards = ORDERED.map((name) => {
    const map = raster(SIZE, SIZE, { 'aria-hidden': 'true' });
    const value = h('span', { class: 'value' }, ' ');
    const element = h(
      'button',
      { type: 'button', class: 'tile' },
      map.canvas,
      h('span', { class: 'what' }, h('b', {}, ...breakable(name.replace(/Loss$/, ''))), value),
    );
    element.addEventListener('click', () => onChoose(name));
    return { name, map, value, element };
  });
  let waiting: typeof cards = [];
  let timer = 0;

  const next = () => {
    timer = 0;
    const card = waiting.shift();
    if (!card) return;
    const { value, gradient } = evaluate(specs[card.name], painting);
    const scale = largest(gradient) || 1;
    card.value.textContent = significant(value);
    card.map.draw((i) => diverging(gradient[i]! / scale));
    timer = window.setTimeout(next);
  };

  return {
    element: h(
      'div',
      { class: 'gallery', role: 'group', 'aria-label': 'All losses' },
      ...cards.map(({ element }) => element),
    ),
    update() {
      // The losses that have waited longest come first. Otherwise the last ones would never be updated during painting.
      waiting = [...waiting, ...cards.filter((card) => !waiting.includes(card))];
      if (!timer) timer = window.setTimeout(next);
    },
    choose(chosen) {
      for (const { name, element } of cards) element.setAttribute('aria-pressed', String(name === chosen));
    },
  };
}

/** A name in camel case, with a possible line break before each capital letter. */
const breakable = (name: string) => name.split(/(?=[A-Z])/).flatMap((part, i) => (i === 0 ? [part] : [h('wbr'), part]));

export const largest = (gradient: Evaluation['gradient']) =>
  gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
