/** Configuration file → checked, frozen {@link Config}. All problems of a file are reported together. */
import { Validator, type ValidationError } from 'jsonschema';
import { ConfigError } from '../errors.ts';
import { configSchema, type Config } from './schema.ts';
import { specDefaults, type Spec, type SpecProperty } from './spec.ts';

/**
 * Checks a configuration against spec.json and the rules that span keys. Explicit nulls count as absent, unknown keys
 * are ignored. Throws a ConfigError that lists every problem as `key: what is wrong`.
 */
export function parseConfig(raw: unknown, spec: Spec): Config {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    throw new ConfigError(['The configuration must be a JSON object.']);
  }
  const given = withoutNulls(raw) as Record<string, unknown>;
  const errors = validate(given, spec.connectionSpecification).flatMap(ofChosenOption);
  const problems = errors.map((error) => describe(error));
  const brokenKeys = new Set(errors.map((error) => String(error.path[0] ?? error.argument)));

  const sound: Record<string, unknown> = { api_key: '', ...specDefaults(spec), ...impliedDefaults(given) };
  for (const [key, value] of Object.entries(given)) if (!brokenKeys.has(key)) sound[key] = value;
  const parsed = configSchema(brokenKeys).safeParse(sound);
  if (!parsed.success) problems.push(...parsed.error.issues.map((issue) => issue.message));
  if (problems.length > 0 || !parsed.success) throw new ConfigError(problems);
  return Object.freeze(parsed.data);
}

function validate(value: unknown, schema: object, path: (string | number)[] = []): ValidationError[] {
  const { errors } = new Validator().validate(value, schema);
  // Replaced, not mutated: errors at the same place share their path array.
  for (const error of errors) error.path = [...path, ...error.path];
  return errors;
}

/**
 * Expands the error of a `oneOf` in which one property, such as `type`, selects the option: the problems of the
 * selected option, or the invalid selection itself.
 */
function ofChosenOption(error: ValidationError): ValidationError[] {
  const { oneOf = [] } = error.schema as SpecProperty;
  if (error.name !== 'oneOf' || oneOf.length === 0) return [error];
  const [choice = 'type'] =
    Object.entries(oneOf[0]?.properties ?? {}).find(([, property]) => property.const !== undefined) ?? [];
  const given = (error.instance as Record<string, unknown> | null)?.[choice];
  const chosen = oneOf.find((option) => option.properties?.[choice]?.const === given);
  if (chosen) return validate(error.instance, chosen, error.path);
  const values = oneOf.map((option) => option.properties?.[choice]?.const);
  return validate(
    error.instance,
    { properties: { [choice]: { enum: values } }, required: [choice] },
    error.path,
  );
}

/** A `user_id` project can identify users by `user_id` only, so `identify_by` may be left out there. */
function impliedDefaults(given: Record<string, unknown>): Record<string, unknown> {
  return given.project_type === 'user_id' ? { identify_by: 'user_id' } : {};
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, child]) => child !== null)
      .map(([key, child]) => [key, withoutNulls(child)]),
  );
}

/** One problem in plain words: the key (or `mappings[2].target`), then what is wrong. Never the value: it may be a secret. */
function describe(error: ValidationError): string {
  const place = error.path.reduce<string>(
    (path, step) => (typeof step === 'number' ? `${path}[${step}]` : path === '' ? step : `${path}.${step}`),
    '',
  );
  if (error.name === 'required') {
    const missing = String(error.argument);
    return `${place === '' ? missing : `${place}.${missing}`}: is required`;
  }
  return `${place}: ${sentence(error)}`;
}

function sentence({ name, argument, schema, message }: ValidationError): string {
  const hint = (schema as { pattern_descriptor?: string }).pattern_descriptor;
  switch (name) {
    case 'type':
      return `must be of type ${(argument as string[]).join(' or ')}`;
    case 'enum':
      return `must be one of ${(argument as unknown[]).join(', ')}`;
    case 'minLength':
      return 'must not be empty';
    case 'pattern':
      return `must be ${hint ?? `text that matches ${String(argument)}`}`;
    default:
      return message;
  }
}
