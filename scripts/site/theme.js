// TypeDoc's default theme with addresses that say what a page is, contents in the order of pages.js, and links from the
// names of functions in the text to their documentation.
import { relative } from 'node:path';
import { Comment, CommentTag, Converter, DefaultTheme, KindRouter, PageEvent, ReflectionKind } from 'typedoc';
import { entries, ROOT, sections, titleOf } from './pages.js';

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
const TYPES = ReflectionKind.Interface | ReflectionKind.TypeAlias;

export function useTheme(app, { playground }) {
  const fileOf = (document) => relative(ROOT, document.project.files.getReflectionPath(document)).replaceAll('\\', '/');

  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, document) => {
    document.name = titleOf(fileOf(document));
  });
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
    const source = context.getSymbolFromReflection(reflection)?.declarations?.[0]?.getSourceFile().fileName;
    if (reflection.kindOf(ReflectionKind.Module)) reflection.name = entries().get(source) ?? reflection.name;
    if (!source || !reflection.parent?.kindOf(ReflectionKind.Module)) return;
    const [folder] = relative(`${ROOT}/src`, source).split(/[\\/]/);
    const category = reflection.kindOf(TYPES) ? 'Types' : (CATEGORIES[folder] ?? 'Running');
    reflection.comment ??= new Comment();
    reflection.comment.blockTags.push(new CommentTag('@category', [{ kind: 'text', text: category }]));
  });

  app.renderer.defineRouter(
    'softseg',
    class extends KindRouter {
      getIdealBaseName(reflection) {
        if (reflection.isDocument()) {
          return fileOf(reflection)
            .replace(/^docs\//, '')
            .replace(/\.md$/, '')
            .replace(/README$/, 'index');
        }
        const module = reflection.kindOf(ReflectionKind.Module) ? reflection : reflection.parent;
        const folder = module.name.replace(/^[^/]*/, 'api');
        return `${folder}/${reflection === module ? 'index' : reflection.name}`;
      }
    },
  );

  app.renderer.defineTheme(
    'softseg',
    class extends DefaultTheme {
      /** The first lines of a language may take so long that the highlighter gives up on them: these are not shown. */
      async preRender(event) {
        await super.preRender(event);
        for (let i = 0; i < 3; i++)
          this.markedPlugin.getHighlighted("import * as tf from 'tf';\nawait f(1); // x", 'ts');
        for (let i = 0; i < 3; i++) this.markedPlugin.getHighlighted('npm install --save softseg # x', 'sh');
      }

      buildNavigation(project) {
        const entry = (reflection, text = reflection.name) => ({
          text,
          path: this.router.getFullUrl(reflection),
          kind: reflection.kind,
          icon: this.getReflectionIcon(reflection),
        });
        const byFile = new Map(project.documents.map((document) => [fileOf(document), document]));
        const [[, guide], ...others] = sections();
        const pages = (files) => files.map((file) => entry(byFile.get(file)));
        const folders = others.map(([text, files]) => ({ text, children: pages(files) }));
        const api = project.children.map((module) => ({
          ...entry(module, `API: ${module.name}`),
          children: (module.categories ?? []).map(({ title, children }) => ({
            text: title,
            children: children.map((child) => entry(child)),
          })),
        }));
        const live = playground ? [{ text: 'Playground', path: 'playground/index.html' }] : [];
        return [...pages(guide), ...live, ...folders, ...api];
      }
    },
  );

  app.renderer.on(PageEvent.END, (page) => {
    const router = app.renderer.router;
    const exported = page.project.children
      .flatMap((module) => module.children)
      .filter((child) => child !== page.model)
      .map((child) => [child.name, child]);
    const byName = new Map(exported.reverse());
    page.contents = page.contents.replace(/(<a [^>]*>)?<code>(\w+)<\/code>/g, (code, link, name) => {
      const target = byName.get(name);
      return link || !target ? code : `<a href="${router.relativeUrl(page.model, target)}">${code}</a>`;
    });
  });
}
