import { button, choice, fold, picker, slider } from '../ui/controls.js';
import { codeBox } from '../ui/code.js';
import { h, oncePerFrame } from '../ui/dom.js';
import { fixed, significant } from '../ui/format.js';
import { plot, roundRange, type Curve } from '../ui/plot.js';
import { trainingCode } from '../losses/build.js';
import { CATALOGUE, defaults, type LossName, type Spec } from '../losses/catalogue.js';
import { optionsForm } from '../losses/form.js';
import { aboutOf, ORDERED } from '../losses/pages.js';
import { BACKENDS, CLASSES, type Backend, type FromWorker, type Scores, type ToWorker } from './messages.js';
import { pictures } from './pictures.js';

/** The network has one output; deep supervision needs several. */
const TRAINABLE = ORDERED.filter((name) => name !== 'deepSupervisionLoss');
const RATES = ['0.0005', '0.001', '0.002', '0.005', '0.01'];

type Phase = 'looking' | 'idle' | 'running' | 'paused' | 'stopping';

export function trainingPage(): HTMLElement {
  const specs = Object.fromEntries(
    TRAINABLE.map((name) => [name, { name, settings: defaults(CATALOGUE[name], 'softmax') }]),
  ) as Record<LossName, Spec>;
  const state = { loss: 'comboLoss' as LossName, backend: 'wasm' as Backend, epochs: 15, learningRate: 0.002 };
  let phase: Phase = 'looking';
  let available: Backend[] = [];
  const run = {
    losses: [] as number[],
    scores: [] as Scores[],
    tensors: 0,
    steps: 1,
    perEpoch: 1,
    kernels: '',
    backend: '',
  };

  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'training' });
  const ask = (message: ToWorker) => worker.postMessage(message);

  // ------------------------------------------------------------------------------------------------------ the results
  const lossPlot = plot({
    title: 'Loss',
    xLabel: 'step',
    yLabel: 'each step, epoch mean (bold)',
    height: 230,
  });
  const scorePlot = plot({
    title: 'IoU on test slices',
    xLabel: 'epoch',
    yLabel: '',
    legend: ['soft', 'argmax'],
    height: 230,
  });
  const images = pictures();
  const status = h('p', { class: 'status', role: 'status' }, 'Looking for backends…');
  const progress = h('progress', { max: 1, value: 0, 'aria-label': 'Progress of the training' });
  const figures = h('dl', { class: 'figures' });
  const code = codeBox('Code for this training run');

  const showFigures = () => {
    const last = run.scores.at(-1);
    const items: [string, string][] = [
      ['step', `${run.losses.length}/${run.steps}`],
      ['loss', run.losses.length > 0 ? significant(run.losses.at(-1)!) : '–'],
      ['soft IoU', last ? fixed(last.softIou, 3) : '–'],
      ['argmax IoU', last ? fixed(last.hardIou, 3) : '–'],
      ['tensors in memory', run.tensors ? String(run.tensors) : '–'],
    ];
    figures.replaceChildren(...items.map(([name, text]) => h('div', {}, h('dt', {}, name), h('dd', {}, text))));
  };
  const draw = oncePerFrame(() => {
    const { losses, scores, steps, perEpoch } = run;
    const means = scores.map((_, epoch) => {
      const part = losses.slice(epoch * perEpoch, (epoch + 1) * perEpoch);
      return [(epoch + 0.5) * perEpoch, part.reduce((a, b) => a + b, 0) / part.length] as const;
    });
    const seen = losses.filter(Number.isFinite);
    const byStep: Curve = {
      name: 'each step',
      style: 1,
      faint: true,
      points: losses.map((y, i) => [i + 1, y] as const),
    };
    lossPlot.draw({
      curves: [byStep, { name: 'mean of an epoch', style: 1, points: means }],
      x: [0, Math.max(steps, 1)],
      y: seen.length > 0 ? roundRange(Math.min(0, ...seen), Math.max(...seen)) : [0, 1],
      summary:
        losses.length > 0 ? `After ${losses.length} steps: ${significant(losses.at(-1)!)}.` : 'Nothing trained yet.',
    });
    const curve = (name: keyof Scores, style: number): Curve => ({
      name,
      style,
      points: scores.map((score, epoch) => [epoch + 1, score[name]] as const),
    });
    scorePlot.draw({
      curves: [curve('softIou', 1), curve('hardIou', 2)],
      x: [0, Math.max(1, steps / perEpoch)],
      y: [0, 1],
      summary:
        scores.length > 0
          ? `Soft IoU ${fixed(scores.at(-1)!.softIou, 3)}, argmax IoU ${fixed(scores.at(-1)!.hardIou, 3)}.`
          : 'No epoch finished yet.',
    });
    progress.value = losses.length / Math.max(1, steps);
    showFigures();
  });

  // ----------------------------------------------------------------------------------------------------- the controls
  const start = button('Train', () => (phase === 'idle' ? begin() : phase === 'paused' ? resume() : pause()), 'accent');
  const stop = button('Stop', () => {
    enter('stopping', 'Stopping…');
    ask({ type: 'stop' });
  });
  const settings = h('fieldset', { class: 'bare' });

  function enter(next: Phase, text: string) {
    phase = next;
    status.textContent = text;
    start.textContent = { looking: 'Train', idle: 'Train', running: 'Pause', paused: 'Resume', stopping: 'Pause' }[
      next
    ];
    start.disabled = next === 'looking' || next === 'stopping';
    stop.disabled = next !== 'running' && next !== 'paused';
    settings.disabled = next !== 'idle' && next !== 'looking';
  }
  function begin() {
    Object.assign(run, { losses: [], scores: [], tensors: 0, steps: 1, perEpoch: 1, backend: state.backend });
    const { backend, epochs, learningRate } = state;
    enter('running', `Starting ${backend}…`);
    ask({ type: 'start', plan: { backend, spec: specs[state.loss], epochs, learningRate } });
    showFigures();
    draw();
  }
  function pause() {
    enter('paused', `Paused after ${run.losses.length} steps.`);
    ask({ type: 'pause' });
  }
  function resume() {
    enter('running', 'Training resumed.');
    ask({ type: 'resume' });
  }

  const on: { [T in FromWorker['type']]: (message: Extract<FromWorker, { type: T }>) => void } = {
    found({ backends, shown }) {
      available = backends;
      state.backend = backends.includes('wasm') ? 'wasm' : backends[0]!;
      images.show(shown);
      offerBackends();
      enter('idle', `Ready on ${backends.join(', ')}.`);
    },
    began({ steps, stepsPerEpoch, kernels }) {
      Object.assign(run, { steps, perEpoch: stepsPerEpoch, kernels });
      if (phase === 'running') status.textContent = `Training on ${run.backend}, ${kernels} kernels.`;
      draw();
    },
    step({ loss: value }) {
      run.losses.push(value);
      draw();
    },
    predicted({ probabilities }) {
      images.predict(probabilities);
    },
    epoch({ epoch, scores, tensors, seconds }) {
      run.scores.push(scores);
      run.tensors = tensors;
      if (phase === 'running') {
        const perStep = fixed((1000 * seconds) / run.losses.length, 0);
        status.textContent =
          `Epoch ${epoch} of ${run.steps / run.perEpoch}: soft IoU ${fixed(scores.softIou, 3)}, ` +
          `${perStep} ms/step on ${run.backend} (${run.kernels}).`;
      }
      draw();
    },
    ended({ finished, tensors }) {
      const { losses } = run;
      enter(
        'idle',
        `${finished ? 'Done' : 'Stopped'}: ${losses.length} steps on ${run.backend}, ${tensors} tensors leaked.`,
      );
    },
    failed({ message }) {
      enter(available.length > 0 ? 'idle' : 'looking', `Training failed: ${message}`);
    },
  };
  worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => on[data.type](data as never));
  worker.addEventListener('error', (event) =>
    on.failed({ type: 'failed', message: event.message || 'the worker did not start' }),
  );

  const about = h('p', { class: 'note about' });
  const showCode = () => code.set(trainingCode(specs[state.loss], CLASSES, state.epochs, state.learningRate));
  const form = optionsForm({
    activations: ['softmax', 'sigmoid', 'sparsemax', 'entmax15'],
    fixedClasses: true,
    onChange: showCode,
  });
  const backendPlace = h('div');
  function offerBackends() {
    const fits = (name: Backend) => name !== 'webgpu' || !CATALOGUE[state.loss].readsBack;
    const offered = BACKENDS.filter((name) => available.includes(name) && fits(name));
    if (!offered.includes(state.backend) && offered.length > 0) state.backend = offered.at(-1)!;
    backendPlace.replaceChildren(
      choice({
        label: 'Backend',
        options: (offered.length > 0 ? offered : BACKENDS).map((value) => ({ value, label: value })),
        value: state.backend,
        onChange: (name) => (state.backend = name),
      }).element,
    );
  }
  const loss = picker({
    label: 'Loss',
    options: TRAINABLE.map((name) => ({ value: name as LossName, label: name })),
    value: state.loss,
    onChange: choose,
  });
  function choose(name: LossName) {
    state.loss = name;
    about.textContent =
      aboutOf(name) + (CATALOGUE[name].readsBack ? ' It cannot run on WebGPU, because it reads tensors back.' : '');
    form.show(specs[name]);
    offerBackends();
    showCode();
  }
  const epochs = slider({
    label: 'epochs',
    min: 1,
    max: 60,
    step: 1,
    value: state.epochs,
    onInput(count) {
      state.epochs = count;
      showCode();
    },
  });
  const rate = picker({
    label: 'Learning rate of Adam',
    options: RATES.map((value) => ({ value, label: value })),
    value: String(state.learningRate),
    onChange(value) {
      state.learningRate = Number(value);
      showCode();
    },
  });
  settings.append(loss.element, about, fold('Options', form.element), backendPlace, epochs.element, rate.element);

  choose(state.loss);
  enter('looking', 'Looking for backends…');
  showFigures();
  draw();
  ask({ type: 'look' });

  return h(
    'section',
    { class: 'part training' },
    h('h1', { tabindex: -1 }, 'Training'),
    h(
      'p',
      { class: 'lead' },
      'A small U-Net learns grey and white matter from 32 brain slices with soft labels, in a worker of this page. ' +
        'All slices come from one averaged brain, so this is a demonstration; it says nothing about generalization.',
    ),
    h(
      'div',
      { class: 'columns' },
      h('div', { class: 'card controls' }, settings),
      h(
        'div',
        { class: 'results' },
        h(
          'div',
          { class: 'card' },
          h('div', { class: 'run' }, status, h('div', { class: 'buttons' }, start, stop)),
          progress,
          figures,
          h('div', { class: 'pair' }, lossPlot.element, scorePlot.element),
        ),
        h(
          'div',
          { class: 'card' },
          h(
            'p',
            { class: 'note' },
            'Test slices. Grey matter is blue, white matter is orange, and probabilities mix the colours. ' +
              'In the column error, brighter means a larger error.',
          ),
          images.element,
        ),
        code.element,
      ),
    ),
  );
}
