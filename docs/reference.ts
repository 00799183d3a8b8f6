/**
 * The generated parts of the pages: every option from spec.json, every code from the pages of codes. Each stands between
 * two comments, `<!-- begin NAME -->` and `<!-- end NAME -->`; the rest of a page is written by hand.
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
  readonly maxLength?: number;
  /** Describes `pattern` in words. */
  readonly pattern_descriptor?: string;
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

/** The part of spec.json that the reference is generated from. */
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

/** Option → links to guides with examples, relative to `docs`. */
export const GUIDES: Readonly<Record<string, string>> = {
  sync_mode: '[removal](guides/removal.md), [enrich](guides/enrich.md)',
  mappings: '[mapping](guides/mapping.md)',
  previous_email_column: '[address changes](guides/address-changes.md)',
  lists: '[lists](guides/lists.md)',
  create_missing_lists: '[lists](guides/lists.md#list-names)',
  ledger: '[incremental sync with a ledger](guides/ledger.md)',
  changed_fields_only: '[only the fields that changed](guides/ledger.md#only-the-fields-that-changed)',
  resend_unchanged: '[sending everything again](guides/ledger.md#sending-everything-again)',
  removal: '[removal](guides/removal.md)',
  deletion_column: '[what the deletion column may hold](guides/removal.md#what-the-deletion-column-may-hold)',
  max_removals_percent: '[the guard](guides/removal.md#the-guard-by-an-example)',
  trust_end_of_input: '[missing from a snapshot](guides/removal.md#missing-from-a-snapshot)',
  merge_nested_objects: '[several records of one user](guides/mapping.md#several-records-of-one-user)',
  create_new_fields: '[new fields](guides/mapping.md#new-fields)',
  rejected_records: '[rejected records](rejections.md)',
  max_rejected_percent: '[when too many are rejected](rejections.md#when-too-many-are-rejected)',
  requests_per_second: '[rate limits](guarantees.md#rate-limits-and-outages)',
  api_url: '[behind a proxy](docker.md#behind-a-proxy)',
  retry_minutes: '[outages](guarantees.md#rate-limits-and-outages)',
};

/**
 * Generates the parts of the page in Airbyte's layout again, formatted like the file at `path`. Throws if the markers
 * of a part are missing.
 */
export async function withReference(page: string, sources: Sources, path: string): Promise<string> {
  return withParts(page, path, {
    options: describeOptions(sources.options),
    errors: tableOf(sources.errors),
    rejections: tableOf(sources.rejections),
  });
}

/** The same for the page of all options. Each option has a heading, so that other pages can link to it. */
export async function withConfiguration(
  page: string,
  options: ConnectionSpecification,
  path: string,
): Promise<string> {
  return withParts(page, path, { index: indexOptions(options), options: explainOptions(options) });
}

async function withParts(
  page: string,
  path: string,
  parts: Readonly<Record<string, string>>,
): Promise<string> {
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

/** The last table of a page, which has its codes. */
function tableOf(page: string): string {
  const table = page
    .split('\n\n')
    .map((block) => block.trim())
    .findLast((block) => block.startsWith('|'));
  if (table === undefined) throw new Error('The page of codes has no table.');
  return table;
}

interface Group {
  readonly title: string;
  readonly members: readonly (readonly [key: string, option: Property])[];
}

/** The options by the form's groups, in the form's order; hidden options come last. */
function grouped({ properties, groups }: ConnectionSpecification): readonly Group[] {
  const options = Object.entries(properties).sort(([, a], [, b]) => (a.order ?? 0) - (b.order ?? 0));
  const shown = groups.map(({ id, title }) => ({
    title,
    members: options.filter(([, { group, airbyte_hidden }]) => group === id && airbyte_hidden !== true),
  }));
  const hidden = options.filter(([, { airbyte_hidden }]) => airbyte_hidden === true);
  return [...shown, { title: 'Not in the form (API and command line only)', members: hidden }].filter(
    ({ members }) => members.length > 0,
  );
}

/** A heading per group, an item per option. */
function describeOptions(spec: ConnectionSpecification): string {
  return grouped(spec)
    .map(
      ({ title, members }) =>
        `#### ${title}\n\n${describeAll(Object.fromEntries(members), spec.required, '')}`,
    )
    .join('\n\n');
}

/** A row per option, with a link to its heading. */
function indexOptions(spec: ConnectionSpecification): string {
  const rows = grouped(spec).flatMap(({ members }) =>
    members.map(([key, { title = '', default: fallback }]) => {
      const given = spec.required.includes(key) ? 'required' : fallback === undefined ? '' : code(fallback);
      return `| [\`${key}\`](#${key}) | ${given} | ${title} |`;
    }),
  );
  return ['| option | default | what it is |', '| --- | --- | --- |', ...rows].join('\n');
}

/** A heading per group and per option; the properties of an object follow as a list. */
function explainOptions(spec: ConnectionSpecification): string {
  return grouped(spec)
    .flatMap(({ title, members }) => [
      `## ${title}`,
      ...members.map(([key, option]) => explain(key, option, spec.required.includes(key))),
    ])
    .join('\n\n');
}

function explain(key: string, option: Property, isRequired: boolean): string {
  const { title = key, description = '', items } = option;
  const guide = GUIDES[key];
  return [
    `### \`${key}\``,
    `**${title}**: ${facts(option, isRequired).join(', ')}.`,
    guide === undefined ? description : `${description} More: ${guide}.`,
    inside(items ?? option, '').join('\n'),
  ]
    .filter((part) => part !== '')
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

/** The properties of an object, or of the elements of an array. */
function inside({ properties, required = [], oneOf = [] }: Property, indent: string): string[] {
  return [
    ...(properties ? [describeAll(properties, required, indent)] : []),
    ...oneOf.flatMap((choice) => describeChoice(choice, indent)),
  ];
}

/** The constant that selects the choice is shown next to its title, not among its properties. */
function describeChoice({ title = '', properties = {}, required = [] }: Property, indent: string): string[] {
  const entries = Object.entries(properties);
  const constants = entries.filter(([, property]) => property.const !== undefined);
  const others = entries.filter(([, property]) => property.const === undefined);
  const choice = constants.map(([key, property]) => code({ [key]: property.const }));
  return [
    `${indent}- **${title}** (${choice.join(', ')})`,
    ...others.map(([key, property]) => describe(key, property, required.includes(key), `${indent}  `)),
  ];
}

function facts(property: Property, isRequired: boolean): string[] {
  const { airbyte_secret: isSecret, default: fallback, examples = [], pattern_descriptor: form } = property;
  return [
    typeOf(property),
    ...(form === undefined ? [] : [form]),
    ...(isRequired ? ['required'] : []),
    ...(isSecret === true ? ['secret'] : []),
    ...(fallback === undefined ? [] : [`default ${code(fallback)}`]),
    ...(examples.length === 0 ? [] : [`for example ${examples.map(code).join(', ')}`]),
  ];
}

function typeOf(property: Property): string {
  const { type = 'any', enum: values, items, minimum, exclusiveMinimum, maximum, maxLength } = property;
  if (values) return values.map(code).join(' or ');
  const bounds = [
    ...(minimum === undefined ? [] : [`at least ${minimum}`]),
    ...(exclusiveMinimum === undefined ? [] : [`more than ${exclusiveMinimum}`]),
    ...(maximum === undefined ? [] : [`at most ${maximum}`]),
    ...(maxLength === undefined ? [] : [`at most ${maxLength} characters`]),
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
