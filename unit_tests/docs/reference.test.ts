/**
 * The generated parts of the pages are up to date with `npm run docs`; the page in Airbyte's layout has the sections of
 * such pages.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import {
  GUIDES,
  withConfiguration,
  withReference,
  type ConnectionSpecification,
} from '../../docs/reference.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const PAGE = 'docs/integrations/destinations/iterable.md';
const page = read(PAGE);
const options = (JSON.parse(read('spec.json')) as { connectionSpecification: ConnectionSpecification })
  .connectionSpecification;
const sources = { options, errors: read('docs/errors.md'), rejections: read('docs/rejections.md') };
const path = fileURLToPath(new URL(PAGE, root));
/** A generated part of a page. */
const part = (text: string, name: string) =>
  text.split(`<!-- begin ${name} -->`)[1]?.split(`<!-- end ${name} -->`)[0]?.trim();
const headings = [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);

describe('the generated parts', () => {
  it('are up to date; else run `npm run docs`', async () => {
    expect(await withReference(page, sources, path)).toBe(page);
  });

  it('follow spec.json: defaults, choices, secrets, what is not in the form', async () => {
    const changed: ConnectionSpecification = {
      required: ['token'],
      groups: [
        { id: 'b', title: 'Second' },
        { id: 'a', title: 'First' },
        { id: 'empty', title: 'Nobody' },
      ],
      properties: {
        last: {
          title: 'Last',
          description: 'L.',
          type: 'integer',
          minimum: 1,
          default: 5,
          group: 'a',
          order: 1,
        },
        token: {
          title: 'Token',
          description: 'T.',
          type: 'string',
          airbyte_secret: true,
          group: 'a',
          order: 0,
        },
        store: {
          title: 'Store',
          description: 'S.',
          type: 'object',
          group: 'b',
          order: 0,
          oneOf: [
            {
              title: 'File',
              required: ['path'],
              properties: {
                kind: { const: 'file', type: 'string' },
                path: { title: 'Path', description: 'P.', type: 'string', examples: ['/x'] },
              },
            },
          ],
        },
        hidden: {
          title: 'Hidden',
          description: 'H.',
          enum: ['x', 'y'],
          airbyte_hidden: true,
          group: 'a',
          order: 2,
        },
      },
    };
    const text = await withReference(page, { ...sources, options: changed }, path);
    expect(part(text, 'options')).toBe(
      [
        '#### Second\n',
        '- **Store** (`store`): one of the choices below. S.',
        '  - **File** (`{"kind":"file"}`)',
        '    - **Path** (`path`): text, required, for example `/x`. P.\n',
        '#### First\n',
        '- **Token** (`token`): text, required, secret. T.',
        '- **Last** (`last`): whole number, at least 1, default `5`. L.\n',
        '#### Not in the form (API and command line only)\n',
        '- **Hidden** (`hidden`): `x` or `y`. H.',
      ].join('\n'),
    );
  });

  it('need their markers in the page, and pages of codes with a table', async () => {
    await expect(withReference('# Nothing', sources, path)).rejects.toThrow('no <!-- begin options -->');
    await expect(withReference(page, { ...sources, errors: '# None' }, path)).rejects.toThrow('no table');
  });
});

describe('the page', () => {
  it('has the sections of Airbyte’s destination pages, in their order', () => {
    const sections = [...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    expect(headings[0]).toBe('Iterable');
    const wanted = [
      'Overview',
      'Prerequisites',
      'Setup guide',
      'Supported sync modes',
      'Namespace support',
      'Changelog',
    ];
    expect(sections.filter((section) => wanted.includes(section ?? ''))).toEqual(wanted);
    expect(sections.at(-1)).toBe('Changelog');
  });

  it('has a row of the changelog for this version', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    const rows = [...page.matchAll(/^\| (\d+\.\d+\.\d+) +\|/gm)].map(([, row]) => row);
    expect(rows[0]).toBe(version);
    expect(new Set(rows).size).toBe(rows.length);
  });

  it('is self-contained: it links only to its own sections and to the web', () => {
    const links = [...page.matchAll(/\]\(([^)]*)\)/g)].map(([, target = '']) => target);
    expect(links.filter((target) => !/^(https:|#)/.test(target))).toEqual([]);
  });
});

describe('configuration.md', () => {
  const CONFIGURATION = 'docs/configuration.md';
  const configuration = read(CONFIGURATION);
  const configurationPath = fileURLToPath(new URL(CONFIGURATION, root));

  it('is up to date; else run `npm run docs`', async () => {
    expect(await withConfiguration(configuration, options, configurationPath)).toBe(configuration);
  });

  it('has a row and a heading for each option of spec.json, hidden ones last', () => {
    const keys = Object.keys(options.properties);
    const hidden = keys.filter((key) => options.properties[key]?.airbyte_hidden === true);
    const described = [...configuration.matchAll(/^### `(.*)`$/gm)].map(([, key]) => key);
    const listed = [...configuration.matchAll(/^\| \[`(.*)`\]\(#\1\)/gm)].map(([, key]) => key);
    expect([...described].sort()).toEqual([...keys].sort());
    expect(described.slice(-hidden.length)).toEqual(hidden);
    expect(listed).toEqual(described);
  });

  it('describes an option by its form, bounds, default and properties', async () => {
    const changed: ConnectionSpecification = {
      required: ['sqlite'],
      groups: [{ id: 'a', title: 'First' }],
      properties: {
        sqlite: {
          title: 'File',
          description: 'F.',
          type: 'string',
          maxLength: 9,
          pattern_descriptor: 'no blanks',
          group: 'a',
        },
        rules: {
          title: 'Rules',
          description: 'R.',
          type: 'array',
          default: [],
          group: 'a',
          items: { type: 'object', properties: { on: { title: 'On', description: 'O.', type: 'boolean' } } },
        },
      },
    };
    const text = await withConfiguration(configuration, changed, configurationPath);
    expect(part(text, 'options')).toBe(
      [
        '## First\n',
        '### `sqlite`\n',
        '**File**: text, at most 9 characters, no blanks, required.\n',
        'F.\n',
        '### `rules`\n',
        '**Rules**: list of objects, default `[]`.\n',
        'R.\n',
        '- **On** (`on`): yes or no. O.',
      ].join('\n'),
    );
  });

  it('has guides only for options that exist', () => {
    expect(Object.keys(GUIDES).filter((key) => !(key in options.properties))).toEqual([]);
  });
});
