// What `import … from 'granary/transform'` gives. A checkout has the sources, which run as they are; a published package has the build.
import { existsSync } from 'node:fs';

const source = new URL('../src/api/transform.ts', import.meta.url);
const api = await import(existsSync(source) ? source.href : new URL('../dist/api/transform.js', import.meta.url).href);
export const { defineTransform, reject, s } = api;
