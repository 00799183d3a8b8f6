/** `npm run standin`: runs the stand-in alone, for manual use of the connector. Prints its users when it is stopped. */
import { parseArgs } from 'node:util';
import { startStandin } from './server.ts';
import type { ProjectType } from './store.ts';
import { usersTable } from './table.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8990' },
    'project-type': { type: 'string', default: 'hybrid' },
    scale: { type: 'string', default: '1' },
    'hidden-limit': { type: 'string' },
  },
});
const projectType = values['project-type'] as ProjectType;
const standin = await startStandin({
  port: Number(values.port),
  projectType,
  limitScale: Number(values.scale),
  ...(values['hidden-limit'] === undefined ? {} : { hiddenLimit: Number(values['hidden-limit']) }),
}).catch((error: unknown) => {
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
  console.error(`Port ${values.port} is in use. Name another one: npm run standin -- --port 8991`);
  process.exit(1);
});
const config = {
  api_key: standin.apiKey,
  api_url: standin.url,
  project_type: projectType,
  ...(projectType === 'user_id' ? { identify_by: 'user_id' } : {}),
};

console.log(`The Iterable stand-in (${projectType} project) listens on ${standin.url}

Save this as config.json:
${JSON.stringify(config, null, 2)}

Then, after npm run build, in another shell:
  dist/main.js check --config config.json
  cat messages.jsonl | dist/main.js write --config config.json --catalog catalog.json

Ctrl-C shows its users and ends it.`);

process.once('SIGINT', () => {
  console.log(`\n${usersTable(standin.store.users(), 20)}`);
  for (const call of standin.unexpected) console.log(`unexpected: ${call}`);
  void standin.close();
});
