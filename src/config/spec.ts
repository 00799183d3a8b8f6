/**
 * Loads spec.json, the single definition of the configuration: `spec` prints it, configurations are checked against it,
 * and it holds the defaults.
 */
import { createRequire } from 'node:module';

// Not by `node:fs`: importing it also loads streams and promises, and `spec` must start fast.
const require = createRequire(import.meta.url);

export interface SpecProperty {
  readonly default?: unknown;
  readonly const?: unknown;
  readonly airbyte_secret?: boolean;
  readonly properties?: Readonly<Record<string, SpecProperty>>;
  readonly items?: SpecProperty;
  readonly oneOf?: readonly SpecProperty[];
}

export interface Spec {
  readonly documentationUrl: string;
  readonly supported_destination_sync_modes: readonly string[];
  readonly connectionSpecification: SpecProperty & {
    readonly properties: Readonly<Record<string, SpecProperty>>;
  };
}

/** Reads spec.json, which is next to `src` and `dist`, independent of the working directory. */
export function loadSpec(): Spec {
  return require('../../spec.json') as Spec;
}

/** Default of each top-level option that has one. */
export function specDefaults(spec: Spec): Record<string, unknown> {
  const defaults: Record<string, unknown> = {};
  for (const [key, property] of Object.entries(spec.connectionSpecification.properties)) {
    if ('default' in property) defaults[key] = structuredClone(property.default);
  }
  return defaults;
}

/** The values of a configuration that the spec marks `airbyte_secret`, at any depth. */
export function secretValues(spec: Spec, config: unknown): string[] {
  const found: string[] = [];
  collectSecrets(spec.connectionSpecification, config, found);
  return [...new Set(found)];
}

function collectSecrets(property: SpecProperty, value: unknown, found: string[]): void {
  if (property.airbyte_secret === true) {
    if (typeof value === 'string' && value !== '') found.push(value);
    return;
  }
  for (const option of property.oneOf ?? []) collectSecrets(option, value, found);
  if (Array.isArray(value)) {
    if (property.items) for (const item of value) collectSecrets(property.items, item, found);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, child] of Object.entries(property.properties ?? {})) {
      collectSecrets(child, (value as Record<string, unknown>)[key], found);
    }
  }
}
