/** spec.json defines a form: the requirements of Airbyte's form builder, and of the user who fills it in. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

interface Property {
  readonly title?: string;
  readonly description?: string;
  readonly type?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly order?: number;
  readonly group?: string;
  readonly always_show?: boolean;
  readonly airbyte_hidden?: boolean;
  readonly airbyte_secret?: boolean;
  readonly pattern?: string;
  readonly pattern_descriptor?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Property>>;
  readonly items?: Property;
  readonly oneOf?: readonly Property[];
}

const spec = JSON.parse(readFileSync(new URL('../../spec.json', import.meta.url), 'utf8')) as {
  connectionSpecification: Property & {
    readonly required: readonly string[];
    readonly groups: readonly { readonly id: string; readonly title: string }[];
    readonly properties: Readonly<Record<string, Property>>;
  };
};
const root = spec.connectionSpecification;
const options = Object.entries(root.properties);

/** Every object of the schema with its path: the root, choices of a oneOf, items. */
function objectsIn(property: Property, path: string): [string, Property][] {
  return [
    ...(property.properties ? ([[path, property]] as [string, Property][]) : []),
    ...Object.entries(property.properties ?? {}).flatMap(([key, child]) =>
      objectsIn(child, `${path}.${key}`),
    ),
    ...(property.items ? objectsIn(property.items, `${path}[]`) : []),
    ...(property.oneOf ?? []).flatMap((choice, index) => objectsIn(choice, `${path}|${index}`)),
  ];
}

const objects = objectsIn(root, 'config');
const properties = objects.flatMap(([path, { properties: own = {} }]) =>
  Object.entries(own).map(([key, property]): [string, Property] => [`${path}.${key}`, property]),
);

/** Every property with choices, at any depth. */
const choices = [
  ...properties,
  ...properties.map(([path, { items }]): [string, Property] => [`${path}[]`, items ?? {}]),
].filter(([, property]) => property.oneOf !== undefined);

describe('every option', () => {
  it.each(properties)(
    '%s has a title, a description and an order',
    (_path, { title, description, order }) => {
      expect(title).toMatch(/^[A-Z]/);
      expect(description).toMatch(/^[A-Z].*\.$/s);
      expect(Number.isInteger(order)).toBe(true);
    },
  );

  it.each(options)('%s has a default, is required, or says what happens without it', (key, property) => {
    const isExplained = /Without it|Replaces|Empty/.test(property.description ?? '');
    expect(property.default !== undefined || root.required.includes(key) || isExplained).toBe(true);
  });

  it('describes its pattern, and has no duplicate choices', () => {
    for (const [path, { pattern, pattern_descriptor, enum: values = [] }] of properties) {
      expect([path, pattern === undefined]).toEqual([path, pattern_descriptor === undefined]);
      expect([path, new Set(values).size]).toEqual([path, values.length]);
    }
  });

  it('that looks like a secret is marked as one', () => {
    for (const [path, { airbyte_secret: isSecret = false }] of properties) {
      // A Postgres URL holds a password; the URL of a proxy must not.
      expect([path, isSecret]).toEqual([path, /(_key|_key_id|password|secret|\.url)$/.test(path)]);
    }
  });
});

describe('the order', () => {
  it('is unique within a group, and among the options of an object', () => {
    const places = [
      ...options.map(([key, { group = '', order = -1 }]) => ({ key, place: `${group} ${order}` })),
      ...objects
        .slice(1)
        .flatMap(([path, { properties: own = {} }]) =>
          Object.entries(own).map(([key, { order = -1 }]) => ({ key, place: `${path} ${order}` })),
        ),
    ];
    const seen = new Set<string>();
    const doubled = places.filter(({ place }) => seen.size === seen.add(place).size);
    expect(doubled).toEqual([]);
  });

  it('every option is in a group, and every group has an option that shows', () => {
    const shown = options.filter(([, property]) => property.airbyte_hidden !== true);
    expect(new Set(options.map(([, { group }]) => group))).toEqual(new Set(root.groups.map(({ id }) => id)));
    expect(new Set(shown.map(([, { group }]) => group))).toEqual(new Set(root.groups.map(({ id }) => id)));
    for (const { title } of root.groups) expect(title).toMatch(/^[A-Z]/);
  });

  it('what every user has to decide is not folded away', () => {
    const open = options
      .filter(([key, property]) => property.always_show === true || root.required.includes(key))
      .map(([key]) => key);
    expect(open).toEqual(
      expect.arrayContaining([
        'api_key',
        'data_center',
        'project_type',
        'identify_by',
        'sync_mode',
        'mappings',
        'lists',
        'removal',
      ]),
    );
  });
});

it('shows the keys of a bucket, which nearly every user needs', () => {
  const folded = properties.filter(
    ([path, { always_show: isShown }]) => /access_key/.test(path) && isShown !== true,
  );
  expect(folded).toEqual([]);
});

describe('a choice', () => {
  it.each(choices)(
    '%s: titled objects, distinguished by one constant string of the same name',
    (_path, property) => {
      expect(property.type).toBe('object');
      const names = (property.oneOf ?? []).map((choice) => {
        expect(choice).toMatchObject({ type: 'object', title: expect.stringMatching(/^[A-Z]/) });
        const constants = Object.entries(choice.properties ?? {}).filter(
          ([, child]) => child.const !== undefined,
        );
        expect(constants).toHaveLength(1);
        const [[name, constant]] = constants as [[string, Property]];
        expect(constant).toMatchObject({ type: 'string', default: constant.const });
        expect(choice.required).toContain(name);
        return { name, value: constant.const };
      });
      expect(new Set(names.map(({ name }) => name)).size).toBe(1);
      expect(new Set(names.map(({ value }) => value)).size).toBe(names.length);
    },
  );
});

it('by default, retries of an outage end long before Airbyte regards a sync without output as hung (7,200 s)', () => {
  const { retry_minutes: budget, attempt_timeout_seconds: attempt } = root.properties;
  expect(Number(budget?.default) * 60 + Number(attempt?.default)).toBeLessThan(7200 / 2);
});
