// What `import … from 'granary/transform/testing'` gives. A checkout has the sources; a published package has the build.
import { existsSync } from 'node:fs';

const source = new URL('../src/api/transform-testing.ts', import.meta.url);
const api = await import(
  existsSync(source) ? source.href : new URL('../dist/api/transform-testing.js', import.meta.url).href
);
export const { transformContract } = api;
