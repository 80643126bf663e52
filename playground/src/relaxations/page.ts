import { button, fold, picker, slider } from '../ui/controls.js';
import { codeBox } from '../ui/code.js';
import { h, oncePerFrame } from '../ui/dom.js';
import { fixed, significant } from '../ui/format.js';
import { plot, roundRange, type Curve } from '../ui/plot.js';
import { along, P_RANGE, relaxed, type Along } from './curves.js';
import { METHOD, METHODS, type Extras, type MethodName } from './methods.js';

const START = [0.1304, 0.5134, 0.7426, 0.7159, 0.5705];
const STEP = 0.0001;
const P_TICKS = [1, 5, 10, 15, 20];

export function relaxationsPage(): HTMLElement {
  const state = { method: 'softOneHot' as MethodName, values: [...START], p: 6, extras: { alpha: 1.5, seed: 1 } };
  let lines: Along | undefined;

  const value = plot({ title: 'Value', xLabel: 'p', yLabel: 'output for each value', onDrag: (p) => setP(p) });
  const slope = plot({
    title: 'Gradient',
    xLabel: 'p',
    yLabel: 'derivative of each output by its own input',
    onDrag: (p) => setP(p),
  });
  const formula = h('p', { class: 'formula' });
  const note = h('p', { class: 'note' });
  const table = h('tbody');
  const code = codeBox('Code for these values');

  const redraw = () => {
    const { method, values, p, extras } = state;
    const now = relaxed(method, values, p, extras);
    lines ??= along(method, values, extras);
    const curves = (all: number[][]): Curve[] =>
      values.map((_, i) => ({
        name: String(i + 1),
        style: i + 1,
        points: lines!.p.map((x, step) => [x, all[i]![step]!] as const),
      }));
    const summary = now.values.map((v, i) => `value ${i + 1}: ${fixed(v, 3)}`).join(', ');
    value.draw({
      curves: curves(lines.values),
      x: P_RANGE,
      y: [0, 1],
      xTicks: P_TICKS,
      marked: p,
      summary: `At p = ${fixed(p, 2)}: ${summary}.`,
    });
    const slopes = lines.slopes.flat();
    const derivatives = now.jacobian.map((row, i) => `value ${i + 1}: ${significant(row[i]!)}`).join(', ');
    slope.draw({
      curves: curves(lines.slopes),
      x: P_RANGE,
      y: roundRange(Math.min(0, ...slopes), Math.max(0.5, ...slopes)),
      xTicks: P_TICKS,
      marked: p,
      summary: `At p = ${fixed(p, 2)}: ${derivatives}.`,
    });
    table.replaceChildren(...now.values.map((v, i) => row(i, values[i]!, v, now.jacobian[i]!)));
    const { formula: f, note: n, code: c } = METHOD[method];
    formula.textContent = f;
    note.textContent = n;
    code.set(codeOf(method, values, c(String(Number(p.toFixed(2))), extras)));
  };
  const later = oncePerFrame(redraw);
  const change = () => {
    lines = undefined;
    later();
  };

  const pSlider = slider({
    label: 'p',
    min: P_RANGE[0],
    max: P_RANGE[1],
    step: 0.05,
    value: state.p,
    format: (p) => fixed(p, 2),
    onInput: (p) => setP(p),
  });
  function setP(p: number) {
    state.p = Math.round(p * 20) / 20;
    pSlider.set(state.p);
    later();
  }

  const alpha = slider({
    label: 'alpha',
    min: 1.05,
    max: 3,
    step: 0.05,
    value: state.extras.alpha,
    format: (a) => fixed(a, 2),
    onInput(a) {
      state.extras.alpha = a;
      change();
    },
  });
  const seed = slider({
    label: 'seed of the noise',
    min: 1,
    max: 50,
    step: 1,
    value: state.extras.seed,
    onInput(s) {
      state.extras.seed = s;
      change();
    },
  });
  const extras: Record<keyof Extras, HTMLElement> = { alpha: alpha.element, seed: seed.element };
  const showExtras = () => {
    for (const [name, element] of Object.entries(extras)) element.hidden = METHOD[state.method].extra !== name;
  };
  const method = picker({
    label: 'Relaxation',
    options: METHODS.map((name) => ({ value: name, label: name })),
    value: state.method,
    onChange(name) {
      state.method = name;
      showExtras();
      change();
    },
  });
  showExtras();

  const sliders = START.map((start, i) =>
    slider({
      label: `value ${i + 1}`,
      min: 0,
      max: 1,
      step: STEP,
      value: start,
      format: (v) => fixed(v, 4),
      onInput(v) {
        state.values[i] = v;
        change();
      },
    }),
  );
  sliders.forEach(({ element }, i) => {
    element.classList.add(`style-${i + 1}`);
    element.prepend(swatch(i));
  });
  const setAll = (values: readonly number[]) => {
    state.values = [...values];
    values.forEach((v, i) => sliders[i]!.set(v));
    change();
  };

  redraw();
  return h(
    'section',
    { class: 'part relaxations' },
    h('h1', { tabindex: -1 }, 'Relaxations'),
    h(
      'p',
      { class: 'lead' },
      'One-hot encoding and thresholds have no gradient. These functions approximate them: the larger p, the harder ' +
        'the result. Where an output has reached 0 or 1, its gradient vanishes.',
    ),
    h(
      'div',
      { class: 'columns' },
      h(
        'div',
        { class: 'card controls' },
        method.element,
        pSlider.element,
        alpha.element,
        seed.element,
        fold(
          'Values',
          ...sliders.map(({ element }) => element),
          h(
            'div',
            { class: 'buttons' },
            button('Start values', () => setAll(START)),
            button('Random', () => setAll(START.map(() => Math.round(Math.random() / STEP) * STEP))),
          ),
        ),
      ),
      h(
        'div',
        { class: 'results' },
        h(
          'div',
          { class: 'card' },
          h('div', { class: 'explained' }, formula, note),
          h('div', { class: 'pair' }, value.element, slope.element),
        ),
        h(
          'div',
          { class: 'card' },
          h('h2', { id: 'table-title' }, 'Outputs at this p, and the derivative of each by every input'),
          h(
            'div',
            { class: 'scrolls', tabindex: 0, role: 'region', 'aria-labelledby': 'table-title' },
            h(
              'table',
              { 'aria-labelledby': 'table-title' },
              h(
                'thead',
                {},
                h('tr', {}, ...['value', 'input', 'output'].map(head), ...START.map((_, i) => head(`d ${i + 1}`))),
              ),
              table,
            ),
          ),
        ),
        code.element,
      ),
    ),
  );
}

const head = (text: string) => h('th', { scope: 'col' }, text);

const swatch = (i: number) => h('i', { class: `swatch style-${i + 1}`, 'aria-hidden': 'true' });

const row = (i: number, input: number, value: number, derivatives: readonly number[]) =>
  h(
    'tr',
    {},
    h('th', { scope: 'row' }, swatch(i), String(i + 1)),
    h('td', {}, fixed(input, 4)),
    h('td', { class: 'strong' }, fixed(value, 4)),
    ...derivatives.map((d, j) => h('td', i === j ? { class: 'own' } : {}, fixed(d, 4))),
  );

const codeOf = (method: MethodName, values: readonly number[], call: string) =>
  [
    `import * as tf from '@tensorflow/tfjs';`,
    `import { ${method} } from 'softseg';`,
    '',
    `const values = tf.tensor1d([${values.map((v) => Number(v.toFixed(4))).join(', ')}]);`,
    `const relaxed = ${call};`,
  ].join('\n');
