// The API from the docstrings, as Markdown pages for VitePress, by TypeDoc and its Markdown plugin.
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Application, Comment, CommentTag, Converter, LogLevel, ReflectionKind, TSConfigReader } from 'typedoc';
import { load as markdownPlugin } from 'typedoc-plugin-markdown';
import { load as vitepressPlugin } from 'typedoc-vitepress-theme';
import { GENERATED, ROOT } from './.vitepress/pages.js';

/** The heading in the contents, by the folder of a function's source. */
const CATEGORIES = {
  losses: 'Losses',
  overlap: 'Sums',
  relaxations: 'Relaxations',
  training: 'Training',
  annotators: 'Annotators',
  metrics: 'Scores',
  distance: 'Distances',
  schedules: 'Training',
  morphology: 'Distances',
};
const ORDER = ['Losses', 'Sums', 'Relaxations', 'Training', 'Annotators', 'Scores', 'Distances', 'Running', 'Types'];
const TYPES = ReflectionKind.Interface | ReflectionKind.TypeAlias;

/** Writes the pages. Fails on a warning of TypeDoc, and on a function or class without documentation. */
export async function writeApi() {
  const app = await Application.bootstrapWithPlugins(
    {
      plugin: [markdownPlugin, vitepressPlugin],
      name: 'API',
      tsconfig: join(ROOT, 'tsconfig.json'),
      entryPoints: [...entries().keys()],
      out: join(GENERATED, 'api'),
      docsRoot: GENERATED,
      readme: 'none',
      excludeExternals: true,
      excludePrivate: true,
      excludeProtected: true,
      disableSources: true,
      disableGit: true,
      sort: ['alphabetical'],
      categorizeByGroup: false,
      categoryOrder: ORDER,
      navigation: { includeCategories: true, includeGroups: false, includeFolders: false },
      hideBreadcrumbs: true,
      pageTitleTemplates: { index: 'API', module: '{name}', member: ({ rawName }) => /^\w*/.exec(rawName)[0] },
      parametersFormat: 'table',
      interfacePropertiesFormat: 'table',
      typeAliasPropertiesFormat: 'table',
      typeDeclarationFormat: 'table',
      tableColumnSettings: { hideInherited: true, hideOverrides: true, hideModifiers: true },
      indexFormat: 'table',
      expandParameters: true,
      sanitizeComments: true,
      // Types in signatures that are not exported are internal on purpose; their fields are shown in place.
      validation: { notExported: false, invalidLink: true, invalidPath: true, rewrittenLink: true },
      logLevel: LogLevel.Warn,
    },
    [new TSConfigReader()],
  );
  nameAndCategorize(app.converter);
  const project = await app.convert();
  if (project) {
    app.validate(project);
    for (const name of undocumented(project)) app.logger.error(`${name} has no documentation`);
    await app.generateOutputs(project);
  }
  if (!project || app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('TypeDoc: see above');
}

/** Names modules as they are imported, and puts their exports into categories. */
function nameAndCategorize(converter) {
  const functions = new Map();
  const categorize = (reflection, category) => {
    reflection.comment ??= new Comment();
    reflection.comment.blockTags.push(new CommentTag('@category', [{ kind: 'text', text: category }]));
  };
  converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
    const source = context.getSymbolFromReflection(reflection)?.declarations?.[0]?.getSourceFile().fileName;
    if (reflection.kindOf(ReflectionKind.Module)) reflection.name = entries().get(source) ?? reflection.name;
    if (!source || !reflection.parent?.kindOf(ReflectionKind.Module)) return;
    const [folder] = relative(`${ROOT}/src`, source).split(/[\\/]/);
    if (reflection.kindOf(TYPES)) categorize(reflection, 'Types');
    else if (reflection.kindOf(ReflectionKind.Function)) functions.set(reflection, CATEGORIES[folder] ?? 'Running');
    else categorize(reflection, CATEGORIES[folder] ?? 'Running');
  });
  // A function's comment is that of its signatures, which TypeDoc adds later.
  converter.on(Converter.EVENT_RESOLVE_BEGIN, () => {
    for (const [{ signatures }, category] of functions) categorize(signatures[0], category);
  });
}

/** The names of exported functions, classes and methods that have no description. */
function undocumented(project) {
  const found = project
    .getReflectionsByKind(ReflectionKind.FunctionOrMethod | ReflectionKind.Class)
    .filter((reflection) => {
      if (reflection.kindOf(ReflectionKind.Method) && !reflection.parent.kindOf(ReflectionKind.Class)) return false;
      return [reflection, ...(reflection.signatures ?? [])].every((said) => !said.comment?.summary.length);
    });
  return found.map((reflection) => reflection.getFullName());
}

/** The source file of each entry of the package, with the name under which it is imported. */
function entries() {
  const { name, exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const found = Object.entries(exports).flatMap(([path, conditions]) => {
    const source = conditions.types?.replace('./dist/', 'src/').replace(/\.d\.ts$/, '.ts');
    return source && existsSync(join(ROOT, source)) ? [[join(ROOT, source), join(name, path)]] : [];
  });
  return new Map(found.reverse()); // if a source has several names, the first one is kept
}
