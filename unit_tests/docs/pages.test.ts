/** Every page fits a narrow window, and none has a broken link. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string) => readFileSync(resolve(root, path), 'utf8');
const DOCS = readdirSync(resolve(root, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.md'))
  .map((path) => `docs/${path}`)
  .sort();
const PAGES = ['README.md', 'CONTRIBUTING.md', ...DOCS];

const MAX_COLUMNS = 120;
const MAX_LINES_OF_PARAGRAPH = 5;
const MAX_LINES_OF_README = 130;

/** The lines of prose. Lines of code and rows of tables become empty, so that line numbers stay the same. */
function prose(page: string): string[] {
  let fence: string | undefined;
  return page.split('\n').map((line) => {
    const mark = /^\s*(```+)/.exec(line)?.[1];
    if (mark !== undefined && (fence === undefined || fence === mark)) {
      fence = fence === undefined ? mark : undefined;
      return '';
    }
    return fence !== undefined || /^\s*\|/.test(line) ? '' : line;
  });
}

/** Paragraphs and list items. */
function paragraphs(page: string): string[][] {
  const found: string[][] = [[]];
  for (const line of prose(page)) {
    if (line.trim() === '' || /^\s*([-*]|\d+\.) /.test(line)) found.push([]);
    if (line.trim() !== '') found.at(-1)?.push(line);
  }
  return found;
}

/** Anchors of headings as GitHub makes them: the second heading of the same text gets -1. */
function anchors(page: string): Set<string> {
  const found = new Set<string>();
  for (const [, heading = ''] of prose(page)
    .join('\n')
    .matchAll(/^#+ (.*)$/gm)) {
    const anchor = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-');
    let copy = anchor;
    for (let count = 1; found.has(copy); count++) copy = `${anchor}-${count}`;
    found.add(copy);
  }
  return found;
}

/** Broken relative links, as they are written. */
function brokenLinks(path: string): string[] {
  const targets = [...read(path).matchAll(/\]\(([^)\s]*)\)/g)].map(([, target = '']) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [file = '', anchor] = target.split('#');
      const found = file === '' ? path : relative(root, resolve(root, dirname(path), file));
      if (!existsSync(resolve(root, found))) return true;
      return anchor !== undefined && !anchors(read(found)).has(anchor);
    });
}

describe('pages', () => {
  it.each(PAGES)('%s has no line of prose over 120 characters', (path) => {
    expect(prose(read(path)).filter((line) => line.length > MAX_COLUMNS)).toEqual([]);
  });

  it.each(PAGES)('%s has no paragraph over five lines', (path) => {
    expect(paragraphs(read(path)).filter((lines) => lines.length > MAX_LINES_OF_PARAGRAPH)).toEqual([]);
  });

  it.each(PAGES)('%s has no broken link', (path) => {
    expect(brokenLinks(path)).toEqual([]);
  });

  it('of docs can all be reached from the README', () => {
    const reached = new Set(['README.md']);
    for (const path of reached) {
      for (const [, target = ''] of read(path).matchAll(/\]\(([^)\s#]+\.md)[^)]*\)/g)) {
        const found = relative(root, resolve(root, dirname(path), target));
        if (!/^[a-z]+:/.test(target) && existsSync(resolve(root, found))) reached.add(found);
      }
    }
    expect(DOCS.filter((path) => !reached.has(path))).toEqual([]);
  });

  it('the README fits on three screens', () => {
    expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(MAX_LINES_OF_README);
  });
});

describe('pages that the program names', () => {
  it('exist', () => {
    const sources = readdirSync(resolve(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => `src/${path}`);
    const named = ['spec.json', 'metadata.yaml', 'Dockerfile', 'CHANGELOG.md', ...sources].flatMap((path) =>
      [...read(path).matchAll(/\b(?:docs\/[\w/-]+|README|CONTRIBUTING)\.md\b/g)].map(([page]) => page),
    );
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((page) => !existsSync(resolve(root, page)))).toEqual([]);
  });
});
