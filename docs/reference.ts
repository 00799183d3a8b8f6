/**
 * The generated parts of the page in Airbyte's layout: every option from spec.json, every code from the pages of codes.
 * Each stands between two comments, `<!-- begin NAME -->` and `<!-- end NAME -->`; the rest of the page is written by hand.
 */
import { format, resolveConfig } from 'prettier';

interface Property {
  readonly title?: string;
  readonly description?: string;
  readonly type?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly examples?: readonly unknown[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly order?: number;
  readonly group?: string;
  readonly airbyte_secret?: boolean;
  readonly airbyte_hidden?: boolean;
  readonly required?: readonly string[];
  readonly properties?: Properties;
  readonly items?: Property;
  readonly oneOf?: readonly Property[];
}
type Properties = Readonly<Record<string, Property>>;

/** The part of spec.json that the reference is made of. */
export interface ConnectionSpecification {
  readonly required: readonly string[];
  readonly groups: readonly { readonly id: string; readonly title: string }[];
  readonly properties: Properties;
}

export interface Sources {
  readonly options: ConnectionSpecification;
  /** Text of docs/errors.md. */
  readonly errors: string;
  /** Text of docs/rejections.md. */
  readonly rejections: string;
}

/** The page with its generated parts made anew, formatted as the file at `path` is. Throws when a part has no place. */
export async function withReference(page: string, sources: Sources, path: string): Promise<string> {
  const parts: Readonly<Record<string, string>> = {
    options: describeOptions(sources.options),
    errors: tableOf(sources.errors),
    rejections: tableOf(sources.rejections),
  };
  const filled = Object.entries(parts).reduce((text, [name, part]) => fill(text, name, part), page);
  return format(filled, { ...(await resolveConfig(path)), parser: 'markdown' });
}

function fill(page: string, name: string, part: string): string {
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  const [before, rest] = halves(page, begin);
  const [, after] = halves(rest, end);
  return `${before}${begin}\n\n${part}\n\n${end}${after}`;
}

function halves(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  if (at === -1) throw new Error(`The page has no ${mark}.`);
  return [text.slice(0, at), text.slice(at + mark.length)];
}

/** The last table of a page: its codes. */
function tableOf(page: string): string {
  const table = page
    .split('\n\n')
    .map((block) => block.trim())
    .findLast((block) => block.startsWith('|'));
  if (table === undefined) throw new Error('The page of codes has no table.');
  return table;
}

/** A heading per group, an item per option, in the form's order; hidden options come last. */
function describeOptions({ properties, required, groups }: ConnectionSpecification): string {
  const options = Object.entries(properties).sort(([, a], [, b]) => (a.order ?? 0) - (b.order ?? 0));
  const shown = groups.map(({ id, title }) => ({
    title,
    members: options.filter(([, { group, airbyte_hidden }]) => group === id && airbyte_hidden !== true),
  }));
  const hidden = options.filter(([, { airbyte_hidden }]) => airbyte_hidden === true);
  return [...shown, { title: 'Not in the form (API and command line only)', members: hidden }]
    .filter(({ members }) => members.length > 0)
    .map(({ title, members }) => `#### ${title}\n\n${describeAll(Object.fromEntries(members), required, '')}`)
    .join('\n\n');
}

function describeAll(properties: Properties, required: readonly string[], indent: string): string {
  return Object.entries(properties)
    .map(([key, property]) => describe(key, property, required.includes(key), indent))
    .join('\n');
}

function describe(key: string, property: Property, isRequired: boolean, indent: string): string {
  const { title = key, description = '', items } = property;
  const head = `${indent}- **${title}** (\`${key}\`): ${facts(property, isRequired).join(', ')}. ${description}`;
  return [head, ...inside(items ?? property, `${indent}  `)].join('\n');
}

/** What an object, or an element of an array, is made of. */
function inside({ properties, required = [], oneOf = [] }: Property, indent: string): string[] {
  return [
    ...(properties ? [describeAll(properties, required, indent)] : []),
    ...oneOf.flatMap((choice) => describeChoice(choice, indent)),
  ];
}

/** The constant that makes the choice stands beside its title, not among its properties. */
function describeChoice({ title = '', properties = {}, required = [] }: Property, indent: string): string[] {
  const entries = Object.entries(properties);
  const constants = entries.filter(([, property]) => property.const !== undefined);
  const others = entries.filter(([, property]) => property.const === undefined);
  const told = constants.map(([key, property]) => code({ [key]: property.const }));
  return [
    `${indent}- **${title}** (${told.join(', ')})`,
    ...others.map(([key, property]) => describe(key, property, required.includes(key), `${indent}  `)),
  ];
}

function facts(property: Property, isRequired: boolean): string[] {
  const { airbyte_secret: isSecret, default: fallback, examples = [] } = property;
  return [
    typeOf(property),
    ...(isRequired ? ['required'] : []),
    ...(isSecret === true ? ['secret'] : []),
    ...(fallback === undefined ? [] : [`default ${code(fallback)}`]),
    ...(examples.length === 0 ? [] : [`for example ${examples.map(code).join(', ')}`]),
  ];
}

function typeOf(property: Property): string {
  const { type = 'any', enum: values, items, minimum, exclusiveMinimum, maximum } = property;
  if (values) return values.map(code).join(' or ');
  const bounds = [
    ...(minimum === undefined ? [] : [`at least ${minimum}`]),
    ...(exclusiveMinimum === undefined ? [] : [`more than ${exclusiveMinimum}`]),
    ...(maximum === undefined ? [] : [`at most ${maximum}`]),
  ];
  if (items) return `list of ${WORDS[items.type ?? ''] ?? 'values'}s`;
  if (property.oneOf) return 'one of the choices below';
  return [WORDS[type] ?? type, ...bounds].join(', ');
}

const WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: 'yes or no',
  object: 'object',
};

function code(value: unknown): string {
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}
