import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type BinlogEvent, HEADER, isUnknown } from './events.ts';

const event = (type: number, flags = 0): BinlogEvent => {
  const buffer = Buffer.alloc(HEADER);
  buffer.writeUInt16LE(flags, 17);
  return { buffer, start: 0, end: HEADER, type, timestamp: 0, serverId: 1, next: 0 };
};

it('events that may tell rows in an unknown way are not passed over, unless the server says that they may be', () => {
  // Ends of files, lists of GTIDs, statements for people; rows.
  for (const type of [3, 4, 160, 161, 163, 30, 31, 162]) assert.equal(isUnknown(event(type)), false, String(type));
  // Parts of rows, of MySQL; what comes after its events, and those of MariaDB.
  for (const type of [39, 43, 172]) assert.equal(isUnknown(event(type)), true, String(type));
  assert.equal(isUnknown(event(172, 0x80)), false);
});
