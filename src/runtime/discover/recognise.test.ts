import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recognise } from './recognise.ts';

const of = (text: string) => recognise(Buffer.from(text), undefined);

test('the ending of a name decides where it says something', () => {
  assert.equal(recognise(Buffer.from('{}'), 'csv'), 'csv');
});

test('without an ending the content decides', () => {
  assert.equal(of('PAR1\0\0'), 'parquet');
  assert.equal(of('[\n{"a":1}]'), 'json');
  assert.equal(of('\ufeff{"a":1}\n{"a":2}\n'), 'ndjson');
  assert.equal(of('{\n "a": 1\n}'), 'json');
  assert.equal(of('a;b\n1;2\n3;4\n'), 'csv');
  assert.equal(of('\ufeff<?xml version="1.0"?>\n<a/>'), 'xml');
  assert.equal(of('<a,b;c>\n</a>'), 'xml');
});

test('what could be anything is not guessed', () => {
  assert.equal(of('just a sentence\nand another, one\nmore\n'), undefined);
  assert.equal(recognise(Buffer.from([1, 0, 2, 0]), undefined), undefined);
  assert.equal(of(''), undefined);
  assert.equal(of('<!DOCTYPE html>\n<html></html>'), undefined);
});
