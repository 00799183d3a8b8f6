/** Writes the generated parts of the page in Airbyte's layout. Run by `npm run docs`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { withReference, type ConnectionSpecification } from './reference.ts';

const read = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');
const page = new URL('integrations/destinations/iterable.md', import.meta.url);
const spec = JSON.parse(read('../spec.json')) as {
  readonly connectionSpecification: ConnectionSpecification;
};

const sources = {
  options: spec.connectionSpecification,
  errors: read('errors.md'),
  rejections: read('rejections.md'),
};
writeFileSync(page, await withReference(readFileSync(page, 'utf8'), sources, fileURLToPath(page)));
