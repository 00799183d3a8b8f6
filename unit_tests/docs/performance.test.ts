import { expect, it } from '@jest/globals';
import { globSync, readFileSync } from 'node:fs';

const HEADINGS = [...readFileSync('docs/performance.md', 'utf8').matchAll(/^#+ (.+)$/gm)].map(
  ([, heading]) => heading,
);
/** A comment may break a line anywhere. */
const SECTION = /"([^"]+)"(?:\s|\*|\/\/)+in(?:\s|\*|\/\/)+docs\/performance\.md/g;

it('comments about performance name sections that docs/performance.md has', () => {
  const named = globSync('src/**/*.ts').flatMap((path) =>
    [...readFileSync(path, 'utf8').matchAll(SECTION)].map(([, section]) => section),
  );
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((section) => !HEADINGS.includes(section))).toEqual([]);
});
