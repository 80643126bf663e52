import { checkbox, choice, fold, picker, slider } from '../ui/controls.js';
import { codeBox } from '../ui/code.js';
import { h, oncePerFrame } from '../ui/dom.js';
import { fixed, significant } from '../ui/format.js';
import { diverging, onThemeChange, shade } from '../ui/theme.js';
import { activationOf, codeOf, paintedClasses } from './build.js';
import { stroke } from './brush.js';
import { ACTIVATIONS, CATALOGUE, defaults, LOSSES, type LossName, type Spec } from './catalogue.js';
import { evaluate, shapeOf, type Evaluation, type Painting } from './evaluate.js';
import { optionsForm } from './form.js';
import { gallery, largest } from './gallery.js';
import { grid, type Cell } from './grid.js';
import { aboutOf, ORDERED } from './pages.js';
import { ANNOTATORS, LABELS, PIXELS, PREDICTIONS, SIZE } from './presets.js';

const titles = (presets: Record<string, { title: string }>) =>
  Object.entries(presets).map(([value, { title }]) => ({ value, label: title }));

const PAINT_HELP =
  'Arrow keys move, space paints, backspace erases, and shift with an arrow key draws a line. ' +
  'The pointer paints; with shift it erases.';

export function lossesPage(): HTMLElement {
  const masks = LABELS['annotators']!.masks();
  const painting: Painting = { masks, prediction: PREDICTIONS['shifted']!.from(masks), withEmpty: false };
  const specs = Object.fromEntries(
    LOSSES.map((name) => [name, { name, settings: defaults(CATALOGUE[name]) }]),
  ) as Record<LossName, Spec>;
  const state = { loss: 'diceLoss' as LossName, annotator: 0, erase: false, brush: 3, p: 0.9 };
  let cursor: Cell = { row: 16, column: 16 };
  let now: Evaluation;

  // ------------------------------------------------------------------------------------------------------- the maps
  const readout = h('p', { class: 'readout' });
  const spoken = h('p', { class: 'unseen', 'aria-live': 'polite' });
  const moveTo = (cell: Cell, aloud: boolean) => {
    cursor = cell;
    for (const map of maps) map.cursor(cell);
    later(aloud);
  };
  const scaleLow = h('span');
  const scaleHigh = h('span');
  const key = (...children: (HTMLElement | string)[]) => h('div', { class: 'key' }, ...children);
  const labelGrid = grid({
    title: 'Label',
    help: PAINT_HELP,
    onCursor: moveTo,
    onStroke(from, to, erase) {
      stroke(from, to, state.brush, (i) => (painting.masks[state.annotator]![i] = erase || state.erase ? 0 : 1));
      changed();
    },
    below: key('0', h('i', { class: 'ramp grey' }), '1'),
  });
  const predictionGrid = grid({
    title: 'Prediction',
    help: PAINT_HELP,
    onCursor: moveTo,
    onStroke(from, to, erase) {
      stroke(from, to, state.brush, (i) => (painting.prediction[i] = erase || state.erase ? 0 : state.p));
      changed();
    },
    below: key('0', h('i', { class: 'ramp grey' }), '1'),
  });
  const gradientGrid = grid({
    title: 'Gradient',
    help: 'Arrow keys move and read the numbers.',
    onCursor: moveTo,
    below: key(scaleLow, h('i', { class: 'ramp diverging' }), scaleHigh),
  });
  const maps = [labelGrid, predictionGrid, gradientGrid];
  const value = h('output', { class: 'big' });
  const meaning = h('p', { class: 'note' });

  const shareAt = (i: number) => painting.masks.reduce((sum, mask) => sum + mask[i]!, 0) / ANNOTATORS;

  const drawMaps = () => {
    const { gradient, probabilities } = now;
    const scale = largest(gradient);
    labelGrid.draw((i) => shade(shareAt(i)));
    labelGrid.outline(painting.masks, state.annotator);
    predictionGrid.draw((i) => shade(probabilities[i]!));
    gradientGrid.draw((i) => diverging(scale > 0 ? gradient[i]! / scale : 0));
    scaleLow.textContent = significant(-scale, 2);
    scaleHigh.textContent = significant(scale, 2);
    const marked = (test: (i: number) => boolean) => Array.from({ length: PIXELS }, (_, i) => i).filter(test).length;
    labelGrid.describe(
      `Soft label of ${ANNOTATORS} annotators: ${marked((i) => shareAt(i) === 1)} pixels marked by all, ` +
        `${marked((i) => shareAt(i) > 0 && shareAt(i) < 1)} by some.`,
    );
    predictionGrid.describe(`${marked((i) => probabilities[i]! > 0.5)} of ${PIXELS} pixels are predicted above 0.5.`);
    gradientGrid.describe(
      `From ${significant(-scale)} to ${significant(scale)}. A training step would raise the prediction at ` +
        `${marked((i) => gradient[i]! < 0)} pixels, and lower it at ${marked((i) => gradient[i]! > 0)}.`,
    );
  };
  const readCursor = (aloud: boolean) => {
    const i = cursor.row * SIZE + cursor.column;
    const by = activationOf(specs[state.loss]) === 'none' ? 'p' : 'z';
    readout.textContent =
      `row ${cursor.row + 1}, column ${cursor.column + 1}:  t ${fixed(shareAt(i), 2)}  ` +
      `p ${fixed(now.probabilities[i]!, 2)}  d loss / d ${by} ${significant(now.gradient[i]!)}`;
    if (aloud) spoken.textContent = readout.textContent;
  };

  const code = codeBox('Code for this loss');
  const recompute = () => {
    const spec = specs[state.loss];
    now = evaluate(spec, painting);
    value.textContent = significant(now.value, 4);
    drawMaps();
    readCursor(false);
    const by = activationOf(spec) === 'none' ? 'probability' : 'logit';
    meaning.textContent =
      `The gradient by each ${by}. A training step would raise the prediction where it is blue, ` +
      `and lower it where it is orange.`;
    code.set(codeOf(spec, paintedClasses(spec), shapeOf(spec, painting)));
    all.update();
  };
  const changed = oncePerFrame(recompute);
  const later = (aloud: boolean) => requestAnimationFrame(() => readCursor(aloud));

  // --------------------------------------------------------------------------------------------------- the controls
  const about = h('p', { class: 'note about' });
  const form = optionsForm({ activations: ACTIVATIONS, onChange: changed });
  const all = gallery(specs, painting, choose);
  const loss = picker({
    label: 'Loss',
    options: ORDERED.map((name) => ({ value: name, label: name })),
    value: state.loss,
    onChange: choose,
  });
  function choose(name: LossName) {
    state.loss = name;
    loss.set(name);
    all.choose(name);
    about.textContent = aboutOf(name);
    form.show(specs[name]);
    changed();
  }

  const annotator = choice({
    label: 'Annotator to paint',
    options: masks.map((_, i) => ({ value: String(i), label: String(i + 1) })),
    value: '0',
    onChange(i) {
      state.annotator = Number(i);
      changed();
    },
  });
  annotator.element.classList.add('annotators');
  const tool = choice({
    label: 'Tool',
    options: [
      { value: 'brush', label: 'Brush' },
      { value: 'eraser', label: 'Eraser' },
    ],
    value: 'brush',
    onChange: (name) => (state.erase = name === 'eraser'),
  });
  const size = slider({
    label: 'brush size',
    min: 1,
    max: 9,
    step: 1,
    value: state.brush,
    onInput: (pixels) => (state.brush = pixels),
  });
  const strength = slider({
    label: 'p to paint',
    min: 0,
    max: 1,
    step: 0.05,
    value: state.p,
    format: (p) => fixed(p, 2),
    onInput: (p) => (state.p = p),
  });
  const labelPreset = picker({
    label: 'Start label',
    options: titles(LABELS),
    value: 'annotators',
    onChange(name) {
      painting.masks.splice(0, ANNOTATORS, ...LABELS[name]!.masks());
      changed();
    },
  });
  const predictionPreset = picker({
    label: 'Start prediction',
    options: titles(PREDICTIONS),
    value: 'shifted',
    onChange(name) {
      painting.prediction = PREDICTIONS[name]!.from(painting.masks);
      changed();
    },
  });
  const batch = checkbox('add an empty image to the batch', false, (on) => {
    painting.withEmpty = on;
    changed();
  });

  choose(state.loss);
  recompute();
  moveTo(cursor, false);
  onThemeChange(() => {
    drawMaps();
    all.update();
  });

  return h(
    'section',
    { class: 'part losses' },
    h('h1', { tabindex: -1 }, 'Losses'),
    h(
      'p',
      { class: 'lead' },
      'Paint the marks of three annotators and the prediction of a network. The label of a pixel is the share of ' +
        'annotators who marked it. Every loss is updated as you paint.',
    ),
    h(
      'div',
      { class: 'columns' },
      h('div', { class: 'card controls' }, loss.element, about, fold('Options', form.element, batch.element)),
      h(
        'div',
        { class: 'results' },
        h(
          'div',
          { class: 'card' },
          h(
            'div',
            { class: 'toolbar' },
            labelPreset.element,
            predictionPreset.element,
            annotator.element,
            tool.element,
            size.element,
            strength.element,
          ),
          h(
            'div',
            { class: 'maps' },
            ...maps.map(({ element }) => element),
            h('div', { class: 'score' }, h('span', { class: 'caption' }, 'Loss'), value, meaning),
          ),
          readout,
          spoken,
        ),
        code.element,
      ),
    ),
    h('h2', {}, 'All losses for the same label and prediction'),
    all.element,
  );
}
