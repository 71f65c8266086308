import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { looksLike } from './looks-like.ts';
import { noise } from './testing.ts';

test('common kinds of file are named by their first bytes, and unknown ones are not guessed', () => {
  const cases: [Buffer, string | undefined][] = [
    [Buffer.alloc(0), 'an empty file'],
    [gzipSync('x'), 'gzip data'],
    [zstdCompressSync('x'), 'zstd data'],
    [Buffer.from('BZh91AY'), 'bzip2 data'],
    [Buffer.from('PK\x03\x04'), 'a zip archive'],
    [Buffer.from('PAR1....'), 'a Parquet file'],
    [Buffer.concat([Buffer.alloc(257, 'a'), Buffer.from('ustar\0')]), 'a tar archive'],
    [Buffer.from('-----BEGIN PGP MESSAGE-----\n'), 'an armored OpenPGP message'],
    [Buffer.from('\n<!DOCTYPE html>'), 'a web page'],
    [Buffer.from('<?xml version="1.0"?>'), 'an XML document'],
    [Buffer.from('id;Größe\n1;2\n'), 'plain text'],
    [Buffer.alloc(100), 'nothing but zero bytes'],
    [noise(100), undefined],
  ];
  for (const [bytes, what] of cases) assert.equal(looksLike(bytes), what);
});
