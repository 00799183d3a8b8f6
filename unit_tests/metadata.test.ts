/** metadata.yaml agrees with what it repeats: package.json, the image, spec.json, the program. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { HOSTS } from '../src/app/connect.ts';

const root = new URL('../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

interface Metadata {
  readonly metadataSpecVersion: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const { metadataSpecVersion, data } = parse(read('metadata.yaml')) as Metadata;
const packageJson = JSON.parse(read('package.json')) as Record<string, string>;
const spec = JSON.parse(read('spec.json')) as Record<string, unknown>;
const dockerfile = read('Dockerfile');
const argument = (name: string) => new RegExp(`^ARG ${name}=(.*)$`, 'm').exec(dockerfile)?.[1];

describe('metadata.yaml', () => {
  it('has what Airbyte’s definition of it requires', () => {
    expect(metadataSpecVersion).toBe('1.0');
    expect(data).toMatchObject({
      name: 'Iterable',
      definitionId: expect.stringMatching(
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      ),
      connectorType: 'destination',
      connectorSubtype: 'api',
      githubIssueLabel: 'destination-iterable',
      releaseStage: expect.stringMatching(/^(alpha|beta|generally_available|custom)$/),
      supportLevel: expect.stringMatching(/^(community|certified|archived)$/),
      tags: expect.arrayContaining(['language:typescript']),
      registryOverrides: { oss: { enabled: true }, cloud: { enabled: false } },
    });
  });

  it('has the name and version of the image’s labels and package.json', () => {
    expect(data.dockerRepository).toBe(argument('NAME'));
    expect(data.dockerRepository).toBe(packageJson.name);
    expect(data.dockerImageTag).toBe(argument('VERSION'));
    expect(data.dockerImageTag).toBe(packageJson.version);
    for (const label of ['io.airbyte.name="${NAME}"', 'io.airbyte.version="${VERSION}"'])
      expect(dockerfile).toContain(label);
    expect(data.license).toBe(packageJson.license);
  });

  it('links to the same documentation as spec', () => {
    expect(data.documentationUrl).toBe(spec.documentationUrl);
  });

  it('turns on refreshes and data activation', () => {
    expect(data).toMatchObject({ supportsRefreshes: true, supportsDataActivation: true });
    expect(existsSync(new URL('src/cli/discover.ts', root))).toBe(true);
  });

  it('allows the hosts that the program calls, and no other', () => {
    expect(data.allowedHosts).toEqual({ hosts: Object.values(HOSTS).map((url) => new URL(url).host) });
  });

  it('has a square icon of its own', () => {
    expect(read(String(data.icon))).toMatch(/^<svg [^>]*viewBox="0 0 (\d+) \1"/);
  });
});
