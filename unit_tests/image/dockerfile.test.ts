/** The promises of the image that can be checked in its files, without a container engine. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** The instructions of a Dockerfile, continued lines joined, comments left out. */
function instructionsOf(dockerfile: string): Instruction[] {
  return dockerfile
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', text = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
      return { name: name.toUpperCase(), text };
    });
}

/** `key=value` pairs of LABEL and ENV, quoted or not, with build arguments filled in. */
function pairsOf(stage: readonly Instruction[], name: 'LABEL' | 'ENV' | 'ARG'): Record<string, string> {
  const args: Record<string, string> = name === 'ARG' ? {} : pairsOf(stage, 'ARG');
  const pairs = stage
    .filter((instruction) => instruction.name === name)
    .flatMap(({ text }) => [...text.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S*))/g)])
    .map(([, key = '', quoted, bare]) => [
      key,
      (quoted ?? bare ?? '').replace(/\$\{(\w+)\}/g, (_, arg: string) => args[arg] ?? ''),
    ]);
  return Object.fromEntries(pairs) as Record<string, string>;
}

const instructions = instructionsOf(read('Dockerfile'));
const stages: Instruction[][] = [];
for (const instruction of instructions) {
  if (instruction.name === 'FROM') stages.push([]);
  stages.at(-1)?.push(instruction);
}
const image = stages.at(-1) ?? [];
const textsOf = (name: string) => image.filter((it) => it.name === name).map(({ text }) => text);
const labels = pairsOf(image, 'LABEL');
const env = pairsOf(image, 'ENV');
const entrypoint = JSON.parse(textsOf('ENTRYPOINT')[0] ?? '[]') as string[];
const packageJson = JSON.parse(read('package.json')) as Record<string, unknown>;

describe('the image', () => {
  it('has the name and version of package.json', () => {
    expect(labels).toMatchObject({
      'io.airbyte.name': packageJson.name,
      'io.airbyte.version': packageJson.version,
      'org.opencontainers.image.title': packageJson.name,
      'org.opencontainers.image.version': packageJson.version,
      'org.opencontainers.image.licenses': packageJson.license,
    });
  });

  it('has the same entry point for Docker and for Airbyte, with absolute paths', () => {
    expect(entrypoint).toEqual([
      '/usr/local/bin/node',
      expect.stringMatching(/^\/.*\/destination-iterable\/dist\/main\.js$/),
    ]);
    expect(env.AIRBYTE_ENTRYPOINT).toBe(entrypoint.join(' '));
  });

  it('starts the program without a shell, so that signals reach it, and leaves the arguments to the caller', () => {
    expect(textsOf('ENTRYPOINT')).toEqual([expect.stringMatching(/^\[/)]);
    expect(textsOf('CMD')).toEqual([]);
    expect(entrypoint.join(' ')).not.toMatch(/\b(sh|bash|npm|npx)\b/);
  });

  it('runs as a numeric non-root user, as Kubernetes can check', () => {
    expect(textsOf('USER')).toEqual([expect.stringMatching(/^[1-9]\d*:[1-9]\d*$/)]);
  });

  it('needs no home and no working directory, and stores nothing on disk', () => {
    expect(env).not.toHaveProperty('HOME');
    expect(textsOf('WORKDIR')).toEqual([]);
    expect(textsOf('VOLUME')).toEqual([]);
  });

  it('fits the heap to the memory of the container', () => {
    expect(env.NODE_OPTIONS).toBe('--max-old-space-size-percentage=75');
  });

  it('uses the Node version that package.json pins, in every stage', () => {
    const major = (packageJson.devDependencies as Record<string, string>).node?.split('.')[0] ?? '';
    const bases = instructions.filter(({ name }) => name === 'FROM').map(({ text }) => text.split(' AS ')[0]);
    expect(bases.length).toBeGreaterThan(1);
    for (const base of bases)
      expect(base?.replace('--platform=$BUILDPLATFORM ', '')).toBe(`node:${major}-slim`);
    expect(labels['org.opencontainers.image.base.name']).toBe(`docker.io/library/node:${major}-slim`);
  });

  it('has a last stage that only copies what the earlier stages made', () => {
    expect(textsOf('RUN')).toEqual([]);
    expect(textsOf('ADD')).toEqual([]);
    expect(textsOf('COPY')).toEqual([
      expect.stringMatching(/^--from=program \S+ \/opt\/destination-iterable$/),
    ]);
    const program = stages.find(([from]) => from?.text.endsWith(' AS program')) ?? [];
    const installs = program.filter(({ text }) => text.includes('npm ci'));
    expect(installs).toHaveLength(1);
    expect(installs[0]?.text).toContain('--omit=dev --ignore-scripts');
  });
});

describe('the build context', () => {
  const lines = read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const admitted = lines.slice(1).map((line) => line.replace(/^!/, ''));

  it('is an allow list, which excludes tests, the stand-in and stray secrets', () => {
    expect(lines[0]).toBe('*');
    expect(lines.slice(1).every((line) => line.startsWith('!'))).toBe(true);
    const topLevel = readdirSync(root);
    expect(admitted.filter((name) => !topLevel.includes(name))).toEqual([]);
    expect(admitted.filter((name) => /test|\.env|docs|node_modules|dist|\.git/.test(name))).toEqual([]);
  });

  it('has everything that the Dockerfile copies', () => {
    const copied = instructions
      .filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from='))
      .flatMap(({ text }) => text.split(' ').slice(0, -1));
    expect(copied.length).toBeGreaterThan(0);
    expect(new Set(copied)).toEqual(new Set(admitted));
  });
});
