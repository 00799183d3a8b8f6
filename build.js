/**
 * `npm run build`: `src` → `dist`, a few files instead of hundreds, since finding and linking files is most of what a start takes.
 * Zod is bundled, too, and loses its seventy files and all its languages; every other dependency is loaded from where it is
 * installed. Types are the business of `npm run check`.
 */
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

const BUNDLED = ['zod'];
const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

rmSync(new URL('dist', import.meta.url), { recursive: true, force: true });
await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: ['src/main.ts'],
  outdir: 'dist',
  // One folder down, as `src/config` is: spec.json is found from both.
  chunkNames: 'parts/[name]-[hash]',
  bundle: true,
  // What is loaded on need stays apart.
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node22.13',
  charset: 'utf8',
  external: Object.keys(dependencies).filter((name) => !BUNDLED.includes(name)),
  logLevel: 'warning',
});
chmodSync(new URL('dist/main.js', import.meta.url), 0o755);
