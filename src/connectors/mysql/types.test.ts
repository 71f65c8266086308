import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mysqlDialect } from './dialect.ts';
import { contractType, fieldNative, parseNative } from './types.ts';

const column = (native: string) => ({ name: 'c', native, type: 'text' as const, nullable: true });

describe('types of MySQL', () => {
  it('are taken apart as the server writes them', () => {
    assert.deepEqual(parseNative('bigint(20) unsigned zerofill'), { base: 'bigint', unsigned: true, args: [20] });
    assert.deepEqual(parseNative('decimal(10,2)'), { base: 'decimal', unsigned: false, args: [10, 2] });
    assert.deepEqual(parseNative("enum('unsigned','a(1)')"), { base: 'enum', unsigned: false, args: [] });
    assert.deepEqual(parseNative('double'), { base: 'double', unsigned: false, args: [] });
    assert.deepEqual(parseNative('int unsigned'), { base: 'int', unsigned: true, args: [] });
  });

  it('have exact counterparts, and texts where there is none', () => {
    const of = (native: string) => contractType(parseNative(native)).type;
    assert.equal(of('bigint unsigned'), 'decimal(20,0)');
    assert.equal(of('decimal(38,38)'), 'decimal(38,38)');
    assert.equal(of('decimal(39,0)'), 'text');
    assert.equal(of('bit(64)'), 'decimal(20,0)');
    assert.equal(of('bit(31)'), 'integer');
    assert.equal(contractType(parseNative('date'), { textDates: true }).type, 'text');
  });

  it('of results are told from their codes', () => {
    const field = { name: 'f', flags: 0, columnLength: 13, decimals: 2, characterSet: 63 };
    assert.equal(fieldNative({ ...field, columnType: 246 }), 'decimal(11,2)');
    assert.equal(fieldNative({ ...field, columnType: 246, flags: 32 }), 'decimal(12,2) unsigned');
    assert.equal(fieldNative({ ...field, columnType: 8, flags: 32 }), 'bigint unsigned');
    assert.equal(fieldNative({ ...field, columnType: 253 }), 'blob');
    assert.equal(fieldNative({ ...field, columnType: 253, characterSet: 45 }), 'text');
  });
});

describe('SQL for MySQL', () => {
  const dialect = mysqlDialect({ zeroDates: 'null' });

  it('is safe whatever names and values are', () => {
    assert.equal(dialect.ident('a`b', 'c'), '`a``b`.`c`');
    assert.equal(dialect.text("o'b\\n\0"), "'o''b\\\\n\\0'");
    assert.equal(dialect.value('1 OR 1=1', column('bigint')), "'1 OR 1=1'");
    assert.equal(dialect.value('-12.50', column('decimal(10,2)')), '-12.50');
    assert.equal(dialect.value('1000-01-01 00:00:00', column('timestamp(6)')), "'1970-01-01 00:00:01'");
    assert.equal(dialect.value('1000-01-01 00:00:00', column('datetime')), "'1000-01-01 00:00:00'");
    assert.equal(dialect.value('00ff', column('varbinary(2)')), "X'00ff'");
    assert.equal(dialect.value("x'", column('blob')), "'x'''");
  });

  it('lands what a text would lose', () => {
    assert.equal(dialect.landed('`c`', column('float'), 'double'), '(`c` + 0e0)');
    assert.equal(dialect.landed('`c`', column('blob'), 'text'), 'LOWER(HEX(`c`))');
    assert.equal(dialect.landed('`c`', column('bit(3)'), 'integer'), '(`c` + 0)');
    assert.match(dialect.landed('`c`', column('date'), 'date'), /^IF\(MONTH/);
    assert.equal(dialect.landed('`c`', column('date'), 'text'), '`c`');
  });
});
