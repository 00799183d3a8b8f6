import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { REJECT_CODES } from '../../src/model.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
/** The first cells of a page's tables, if they are code. */
const documented = (path: string) => [...read(path).matchAll(/^\| `([a-z_0-9]+)`/gm)].map(([, code]) => code);

describe('the pages of codes', () => {
  it('rejections.md has a row for each reason, and no other', () => {
    expect(documented('docs/rejections.md')).toEqual([...REJECT_CODES]);
  });

  it('errors.md has a row for each code that the source gives an error, and no other', () => {
    const sources = readdirSync(new URL('../../src', import.meta.url), {
      recursive: true,
      encoding: 'utf8',
    }).filter((file) => file.endsWith('.ts'));
    const found = new Set<string>();
    for (const file of sources) {
      const text = read(`src/${file}`);
      for (const pattern of [
        /new (?:Transient|Protocol)Error\(\s*'([a-z_0-9]+)'/g,
        /\bcode: '([a-z_0-9]+)'(?=[^}]*\}\s*,?\s*\))/g,
        /super\('([a-z_0-9]+)'/g,
        /\bfailure\(\s*'([a-z_0-9]+)'/g,
        /options\?\.code \?\? '([a-z_0-9]+)'/g,
      ]) {
        for (const [, code = ''] of text.matchAll(pattern))
          if (!(REJECT_CODES as readonly string[]).includes(code)) found.add(code);
      }
    }
    found.delete('custom');
    expect([...found].sort()).toEqual([...new Set(documented('docs/errors.md'))].sort());
  });
});
