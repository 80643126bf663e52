import { complain } from './shared/output.js';

/** `npm run example -- NAME [options]` */
const NAMES = ['binary', 'multiclass', 'multilabel', 'volume', 'annotators'];

const [name] = process.argv.splice(2, 1);
if (name !== undefined && NAMES.includes(name)) await import(`./${name}.js`);
else {
  complain(`npm run example -- NAME, with NAME one of ${NAMES.join(', ')}${name ? `, got ${name}` : ''}`);
  process.exitCode = 2;
}
