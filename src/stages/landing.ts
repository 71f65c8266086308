/** What becomes known of an object that has landed, whatever it was made of. */
import { toEmit } from '../model/events.ts';
import { OBJECTS, type ObjectDoc, ORIGINS, type OriginDoc, originId, toPublish } from '../model/objects.ts';
import { type Condition, putWrite, type Write } from '../ports/state-store.ts';
import { objectEvent } from './object-event.ts';

/** What is true of every object that has just landed. */
export const JUST_LANDED = {
  status: 'landed',
  supersededBy: null,
  duplicateOf: null,
  reasons: [],
  released: false,
  payloads: null,
  run: null,
} as const satisfies Partial<ObjectDoc>;

/** The manifest record, its publication, the event, and the origin: for one transaction. */
export function landingWrites(
  doc: ObjectDoc,
  seen: Pick<OriginDoc, 'modifiedAt' | 'tag'>,
  condition?: Condition,
): Write[] {
  const { dataset, path, version, bytes, sha256 } = doc;
  const origin: OriginDoc = {
    id: originId(dataset, path),
    dataset,
    path,
    object: doc.id,
    version,
    bytes,
    sha256,
    ...seen,
  };
  return [
    putWrite(OBJECTS, doc, { absent: true }),
    toPublish('object', doc.id),
    toEmit(objectEvent('object.landed', doc, doc.landedAt, { bytes, version })),
    putWrite(ORIGINS, origin, condition),
  ];
}
