/** Writes the generated parts of the pages. Run by `npm run docs`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { withConfiguration, withReference, type ConnectionSpecification } from './reference.ts';

const at = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const read = (name: string) => readFileSync(at(name), 'utf8');
const { connectionSpecification: options } = JSON.parse(read('../spec.json')) as {
  readonly connectionSpecification: ConnectionSpecification;
};

const CONFIGURATION = 'configuration.md';
writeFileSync(at(CONFIGURATION), await withConfiguration(read(CONFIGURATION), options, at(CONFIGURATION)));

const REFERENCE = 'integrations/destinations/iterable.md';
const sources = { options, errors: read('errors.md'), rejections: read('rejections.md') };
writeFileSync(at(REFERENCE), await withReference(read(REFERENCE), sources, at(REFERENCE)));
