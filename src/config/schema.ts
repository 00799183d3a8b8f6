/** The typed configuration, and the rules that span several keys. Rules for a single key are in spec.json. */
import * as z from 'zod';
import { mappingProblems } from '../mapping/check-mappings.ts';
import { isLoopback } from '../network/loopback.ts';

const mappingSchema = z.object({
  source: z.string(),
  target: z.string(),
  type: z.enum(['string', 'long', 'double', 'boolean', 'date', 'object']).exactOptional(),
  stream: z.string().exactOptional(),
});

const stream = z.string().exactOptional();
/** Spaces around a list name are ignored, here as in a column. */
const list = z.string().trim();
const listRuleSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('names'), source: z.string(), stream }),
  z.object({ kind: z.literal('flag'), source: z.string(), list, stream }),
  z.object({ kind: z.literal('all'), list, stream }),
]);

const rejectedRecordsSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('none') }),
  z.object({ type: z.literal('file'), path: z.string() }),
  z.object({
    type: z.literal('s3'),
    s3_bucket_name: z.string(),
    s3_bucket_path: z.string().exactOptional(),
    s3_bucket_region: z.string(),
    s3_endpoint: z.string().exactOptional(),
    access_key_id: z.string().exactOptional(),
    secret_access_key: z.string().exactOptional(),
  }),
]);

const ledgerPlace = { name: z.string().exactOptional(), scope: z.string().exactOptional() };
const ledgerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('none') }),
  z.object({ type: z.literal('sqlite'), path: z.string(), ...ledgerPlace }),
  z.object({
    type: z.literal('postgres'),
    url: z.string(),
    schema: z.string().exactOptional(),
    ...ledgerPlace,
  }),
]);

const baseSchema = z.object({
  api_key: z.string(),
  data_center: z.enum(['us', 'eu']),
  project_type: z.enum(['hybrid', 'email', 'user_id']),
  identify_by: z.enum(['email', 'user_id']),
  sync_mode: z.enum(['sync', 'additive', 'enrich']),
  mappings: z.array(mappingSchema).readonly(),
  lists: z.array(listRuleSchema).readonly(),
  create_missing_lists: z.boolean(),
  deletion_column: z.string(),
  previous_email_column: z.string().exactOptional(),
  removal: z.enum(['delete_user', 'remove_from_lists']),
  merge_nested_objects: z.boolean(),
  create_new_fields: z.boolean(),
  ledger: ledgerSchema,
  resend_unchanged: z.boolean(),
  changed_fields_only: z.boolean(),
  max_removals_percent: z.number(),
  trust_end_of_input: z.boolean(),
  batch_size: z.number(),
  rejected_records: rejectedRecordsSchema,
  max_rejected_percent: z.number(),
  requests_per_second: z.number().exactOptional(),
  api_url: z.string().exactOptional(),
  retry_minutes: z.number(),
  attempt_timeout_seconds: z.number(),
});

/** A valid configuration, with defaults filled in. */
export type Config = Readonly<z.infer<typeof baseSchema>>;

type Key = keyof Config;
interface Rule {
  /** The rule is skipped if one of these keys is invalid by itself. */
  readonly keys: readonly Key[];
  readonly problems: (config: Config) => string[];
}

const RULES: readonly Rule[] = [
  {
    keys: ['project_type', 'identify_by'],
    problems: ({ project_type, identify_by }) =>
      project_type === 'user_id' && identify_by === 'email'
        ? ['identify_by: a project of type user_id identifies people by user_id only; choose user_id']
        : [],
  },
  {
    keys: ['mappings', 'project_type', 'identify_by'],
    problems: ({ mappings, identify_by }) => mappingProblems({ mappings, identifyBy: identify_by }),
  },
  {
    keys: ['lists'],
    problems: ({ lists }) =>
      lists.flatMap((rule, index) =>
        rule.kind !== 'names' && rule.list === '' ? [`lists[${index}].list: must not be blank`] : [],
      ),
  },
  {
    keys: ['api_url'],
    problems: ({ api_url }) => (api_url === undefined ? [] : urlProblems('api_url', api_url, 'the API key')),
  },
  { keys: ['rejected_records'], problems: ({ rejected_records }) => storeProblems(rejected_records) },
];

/**
 * The zod schema of a configuration whose keys are each valid by themselves. Those in `brokenKeys` were not: they hold
 * their defaults, and the rules that use them are skipped. The message of an issue is a complete problem that starts
 * with its key.
 */
export function configSchema(brokenKeys: ReadonlySet<string>) {
  return baseSchema.superRefine((config, context) => {
    for (const rule of RULES) {
      if (rule.keys.some((key) => brokenKeys.has(key))) continue;
      for (const message of rule.problems(config)) context.addIssue({ code: 'custom', message });
    }
  });
}

/** Requires https except to loopback addresses, since the traffic must not leave the machine in clear text. */
function urlProblems(key: string, text: string, cargo: string): string[] {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    return [`${key}: is not a URL that begins with https:// (or http:// to a loopback address)`];
  }
  const problems: string[] = [];
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    problems.push(
      `${key}: plain http is allowed to a loopback address only, since ${cargo} would travel in clear text; use https`,
    );
  }
  if (url.username !== '' || url.password !== '')
    problems.push(`${key}: must not hold a user name or password`);
  if (url.search !== '' || url.hash !== '') problems.push(`${key}: must not hold a query or a fragment`);
  return problems;
}

/** Empty strings count as absent, since they are the defaults in Airbyte's own destinations. */
function storeProblems(option: Config['rejected_records']): string[] {
  if (option.type !== 's3') return [];
  const { s3_endpoint: endpoint = '', access_key_id: id = '', secret_access_key: secret = '' } = option;
  const problems =
    endpoint === '' ? [] : urlProblems('rejected_records.s3_endpoint', endpoint, 'rejected records');
  if ((id === '') !== (secret === '')) {
    const missing = id === '' ? 'access_key_id' : 'secret_access_key';
    problems.push(
      `rejected_records.${missing}: access_key_id and secret_access_key go together; set both or neither`,
    );
  }
  return problems;
}
