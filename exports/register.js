// `node --import …/exports/register.js --test connectors/x.test.ts`: lets a project that has not installed the package import from it.
import { registerHooks } from 'node:module';

const OURS = {
  'granary/connector': new URL('./connector.js', import.meta.url).href,
  'granary/connector/testing': new URL('./connector-testing.js', import.meta.url).href,
  'granary/transform': new URL('./transform.js', import.meta.url).href,
  'granary/transform/testing': new URL('./transform-testing.js', import.meta.url).href,
};
registerHooks({
  resolve(specifier, context, next) {
    const url = Object.hasOwn(OURS, specifier) ? OURS[specifier] : undefined;
    return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
  },
});
