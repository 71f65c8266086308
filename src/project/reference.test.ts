import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { slug } from '../lib/spec/docs.ts';
import type { Spec } from '../lib/spec/spec.ts';
import { wrongExamples } from '../lib/spec/walk.ts';
import { COMPONENTS } from '../runtime/catalog.ts';
import { renderReference } from './reference.ts';
import { projectSchemas } from './schema-files.ts';
import { projectSpec } from './specs/project.ts';
import { sourceSpec } from './specs/source.ts';
import { components } from './testing.ts';

const pages = renderReference(COMPONENTS);

test('the reference has a page for each file and each kind of component', () => {
  assert.deepEqual(Object.keys(pages), [
    'README.md',
    'project.md',
    'source.md',
    'connectors.md',
    'codecs.md',
    'formats.md',
  ]);
  for (const { type } of COMPONENTS.formats) assert.match(pages['formats.md']!, new RegExp(`^## \`${type}\`$`, 'm'));
});

test('the reference is the same every time it is made', () => {
  assert.deepEqual(renderReference(COMPONENTS), pages);
});

test('every link of the reference leads to a heading or a page', () => {
  const anchors = (text: string) => [...text.matchAll(/^#+ (.*)$/gm)].map((m) => slug(m[1]!));
  for (const [name, text] of Object.entries(pages)) {
    for (const [, page, anchor] of text.matchAll(/\]\(([^)#]*)(?:#([^)]*))?\)/g)) {
      const target = pages[page || name];
      assert.ok(target, `${name}: ${page}`);
      if (anchor) assert.ok(anchors(target).includes(anchor), `${name}: ${page}#${anchor}`);
    }
    assert.equal(new Set(anchors(text)).size, anchors(text).length, `${name} has a heading twice`);
  }
});

test('the schemas of all components are valid', () => {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true });
  for (const schema of Object.values(projectSchemas(COMPONENTS))) ajv.compile(schema);
});

test('every example in the specs is one that the specs take', () => {
  assert.deepEqual(wrongExamples(projectSpec as Spec<unknown>), []);
  const withTransforms = { ...COMPONENTS, transforms: components.transforms };
  assert.deepEqual(wrongExamples(sourceSpec(withTransforms) as Spec<unknown>), []);
  new Ajv({ strict: true, allowUnionTypes: true }).compile(sourceSpec(withTransforms).jsonSchema());
});
