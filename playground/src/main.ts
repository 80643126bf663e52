import './style.css';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import '@tensorflow/tfjs-backend-cpu';
import { checkValues } from 'softseg';
import licence from '../../examples/brain/data/LICENSE.txt?url';
import { lossesPage } from './losses/page.js';
import { relaxationsPage } from './relaxations/page.js';
import { trainingPage } from './training/page.js';

// A user may paint labels that a loss refuses, for instance soft ones for a hinge loss. Without value checks, the page
// shows the result anyway.
checkValues('never');

const PARTS = {
  relaxations: { title: 'Relaxations', make: relaxationsPage },
  losses: { title: 'Losses', make: lossesPage },
  training: { title: 'Training', make: trainingPage },
};
type Part = keyof typeof PARTS;

const isPart = (name: string): name is Part => Object.hasOwn(PARTS, name);
const main = document.querySelector('main')!;
const made = new Map<Part, HTMLElement>();

const links = [...document.querySelectorAll('nav a')];
document.querySelector('#licence')!.setAttribute('href', licence);

const current = (): Part => {
  const name = location.hash.replace(/^#\/?/, '');
  return isPart(name) ? name : 'relaxations';
};

/** Shows the part named in the address. Parts keep their state while another part is shown. */
function show(focus: boolean): void {
  const name = current();
  if (!made.has(name)) {
    made.set(name, PARTS[name].make());
    main.append(made.get(name)!);
  }
  for (const [other, element] of made) element.hidden = other !== name;
  links.forEach((link) => {
    if (link.getAttribute('href') === `#/${name}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  });
  document.title = `${PARTS[name].title} · softseg playground`;
  if (focus) {
    made.get(name)!.querySelector('h1')!.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

tf.enableProdMode();
await tf.setBackend('cpu');
show(false);
addEventListener('hashchange', () => show(true));
document.querySelector('.skip')!.addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});
