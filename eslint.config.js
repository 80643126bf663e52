import js from '@eslint/js';
import stylistic from '@stylistic/eslint-plugin';
import tseslint from 'typescript-eslint';

const quotients = {
  selector: 'MemberExpression[property.name=/^(div|divNoNan|reciprocal)$/]',
  message: 'The gradient of tf.div is NaN where the denominator is below 1e-19: use ops/ratio.ts.',
};

const signs = {
  selector: 'MemberExpression[object.name="tf"][property.name="sign"]',
  message: 'On wasm tf.sign takes small numbers for 0: use ops/sign.ts.',
};

const customGradients = {
  selector: ':matches(MemberExpression[property.name="customGrad"], TSQualifiedName[right.name="GradSaveFunc"])',
  message:
    'tf.customGrad keeps the tensors saved by a function that throws, and all intermediate tensors of its gradient: ' +
    'use ops/withGradient.ts.',
};

/** A list of classes or pixels that is spread into arguments overflows the stack from some 100,000 entries on. */
const longCalls = {
  selector:
    'CallExpression[callee.property.name=/^(max|min|hypot|push|unshift|splice|concat|of|fromCharCode)$/] > ' +
    'SpreadElement',
  message: 'A long list as arguments overflows the stack: use a loop (extremes.ts has largest).',
};

/** Shapes of an SVG that are written by hand. */
const drawings = ['Literal[value=', 'TemplateElement[value.raw='].map((text) => ({
  selector: `${text}/<(path|line|polyline|polygon|circle|rect)\\b/]`,
  message: 'Observable Plot draws the pictures: see scripts/plots.',
}));

/** Refuses comments without a subject, such as "What each loss costs" or "Of the result". */
const fullSentences = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: {
      opening:
        'A comment that opens with "{{opening}}" is no sentence: give it a subject ("The cost of each loss", not ' +
        '"What each loss costs"; "except", not "but for").',
    },
  },
  create: ({ sourceCode, report }) => ({
    Program() {
      const comments = sourceCode.getAllComments();
      comments.forEach((comment, i) => {
        const before = comments[i - 1];
        const goesOn = before?.type === 'Line' && comment.loc.start.line === before.loc.end.line + 1;
        const [, opening] = /^[\s*]*(What|Of|But for) /.exec(comment.value) ?? [];
        if (opening && !goesOn) report({ loc: comment.loc, messageId: 'opening', data: { opening } });
      });
    },
  }),
};

export default tseslint.config(
  { ignores: ['**/dist/**', '**/dist.*/**', 'site/**', 'site.generated/**', 'coverage/**'] },
  js.configs.recommended,
  {
    plugins: { '@stylistic': stylistic, softseg: { rules: { 'full-sentences': fullSentences } } },
    rules: {
      // A long message goes on in a second string after a +, as most do. URLs and regular expressions cannot be broken.
      '@stylistic/max-len': ['error', { code: 120, ignoreUrls: true, ignoreRegExpLiterals: true }],
      'softseg/full-sentences': 'error',
    },
  },
  // The bytes of a compiled module.
  { files: ['src/kernels/module/binary.ts'], rules: { '@stylistic/max-len': 'off' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      // `array[i]!` where the loop's bound says that it is there.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // tfjs has the rank in the type of a tensor, and no op that keeps track of it: assertions say it best.
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
      // Callbacks that return a promise by contract need not wait for anything.
      '@typescript-eslint/require-await': 'off',
      // As the test of a method of another library must.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', quotients, signs, customGradients, longCalls] },
  },
  { files: ['src/ops/ratio.ts'], rules: { 'no-restricted-syntax': ['error', signs, customGradients, longCalls] } },
  { files: ['src/ops/withGradient.ts'], rules: { 'no-restricted-syntax': ['error', quotients, signs, longCalls] } },
  { files: ['src/{backend,node}/**'], rules: { 'no-restricted-syntax': ['error', quotients, signs, customGradients] } },
  {
    files: ['test/setup/backend.ts'],
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  {
    files: ['**/*.{js,cjs,mjs}'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', performance: 'readonly', URL: 'readonly' },
    },
  },
  {
    files: ['scripts/**/*.js', 'bench/**/*.js'],
    rules: { 'no-restricted-syntax': ['error', ...drawings] },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { require: 'readonly', module: 'writable', globalThis: 'readonly', __dirname: 'readonly' },
    },
  },
);
