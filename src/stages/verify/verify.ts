/** Verify: may a landed object be read? It is, or it goes to quarantine, whole, with every reason. */
import { asGranaryError, GranaryError } from '../../lib/errors.ts';
import { plural } from '../../lib/units.ts';
import { BOOKS, EMPTY_BOOKS } from '../../model/books.ts';
import { toEmit } from '../../model/events.ts';
import { OBJECTS, type ObjectDoc, type Reason, toPublish } from '../../model/objects.ts';
import { isoNow } from '../../ports/clock.ts';
import { readObject } from '../../ports/object-store.ts';
import { type Doc, putWrite, type Versioned, type Write } from '../../ports/state-store.ts';
import type { Dataset } from '../../project/project.ts';
import { datasetOf, type StageContext } from '../context.ts';
import { quarantineEvent } from '../object-event.ts';
import { compareDeclared, declarationsOf } from './declared.ts';
import { headerReasons, recordTypeReasons } from './header.ts';
import { originalOf } from './identical.ts';
import { makePayloads, type Payload } from './payloads.ts';

export interface VerifyInput {
  object: string;
  run: string;
}

export interface VerifyOutput {
  object: string;
  /** `landed`: nothing is decided before `duplicateOf` has come to its end; verify again then. */
  status: ObjectDoc['status'];
  /** The object with the same bytes that is loaded in place of this one. */
  duplicateOf: string | null;
  reasons: Reason[];
  /** Records in all its payloads; 0 when it could not be unpacked. */
  records: number;
}

export async function objectOf(context: StageContext, id: string): Promise<Versioned<ObjectDoc>> {
  const object = await context.state.get(OBJECTS, id);
  if (object) return object;
  throw new GranaryError('stage.bad_input', `There is no object ${id}.`, { where: { object: id } });
}

export async function verify(input: VerifyInput, context: StageContext): Promise<VerifyOutput> {
  const object = await objectOf(context, input.object);
  const dataset = datasetOf(context, object.dataset);
  if (object.status !== 'landed') {
    const records = object.payloads ? (await payloadsOf(context, object)).reduce((n, p) => n + p.facts.records, 0) : 0;
    const { status, reasons, duplicateOf } = object;
    return { object: object.id, status, duplicateOf, reasons, records };
  }
  const original = await originalOf(context, object, dataset);
  if (original && !original.loaded)
    return { object: object.id, status: 'landed', duplicateOf: original.id, reasons: [], records: 0 };
  const found = await context.withScratch((scratch) => examine(object, dataset, scratch, context));
  const records = found.payloads.reduce((n, p) => n + p.facts.records, 0);
  const hold = found.fatal.length > 0 || (!object.released && found.reasons.length > 0);
  const duplicate = !hold && original !== undefined;
  const list = `payloads/${object.id}/list.json`;
  if (!hold && !duplicate)
    await context.objects.put(list, Buffer.from(JSON.stringify(found.payloads)), { replace: true });
  const doc: ObjectDoc = {
    ...object,
    status: hold ? 'quarantined' : duplicate ? 'duplicate' : 'verified',
    duplicateOf: duplicate ? original.id : null,
    reasons: [...found.fatal, ...found.reasons],
    payloads: hold || duplicate ? null : list,
    declared: found.declared,
    run: input.run,
  };
  const writes: Write[] = [
    putWrite(OBJECTS, plain<ObjectDoc>(doc), { rev: object.rev }),
    toPublish('object', object.id),
  ];
  if (hold) writes.push(toEmit(quarantineEvent(doc, input.run, isoNow(context.clock))));
  const earlier = await context.state.get(BOOKS, object.id);
  if (earlier?.active === 1 && !duplicate) writes.push(putWrite(BOOKS, { ...plain(earlier), active: 0 }));
  if (duplicate) {
    writes.push(
      putWrite(BOOKS, {
        ...EMPTY_BOOKS,
        id: object.id,
        run: input.run,
        object: object.id,
        dataset: object.dataset,
        table: `${dataset.table.schema}.${dataset.table.name}`,
        file: object.file,
        received: records,
        deduplicated: records,
        declaredRows: found.declared.rows ?? null,
        byRule: { identical_content: { severity: 'duplicate', rows: records } },
        active: 1,
        at: isoNow(context.clock),
      }),
    );
  }
  await context.state.transact(writes);
  return { object: object.id, status: doc.status, duplicateOf: doc.duplicateOf, reasons: doc.reasons, records };
}

/** A document without its revision. */
export function plain<T extends Doc>(doc: T | Versioned<T>): T {
  const { rev: _, ...rest } = doc as Versioned<T>;
  return rest as unknown as T;
}

export async function payloadsOf(context: StageContext, object: ObjectDoc): Promise<Payload[]> {
  return JSON.parse((await readObject(context.objects, object.payloads!)).toString('utf8')) as Payload[];
}

interface Examination {
  payloads: Payload[];
  declared: NonNullable<ObjectDoc['declared']>;
  /** What no release can overrule: there is nothing that could be read. */
  fatal: Reason[];
  reasons: Reason[];
}

async function examine(
  object: ObjectDoc,
  dataset: Dataset,
  scratch: string,
  context: StageContext,
): Promise<Examination> {
  const { verify: limits } = dataset.config;
  const out: Examination = { payloads: [], declared: {}, fatal: [], reasons: [] };
  if (object.bytes < limits.min_bytes)
    out.reasons.push({
      code: 'too_small',
      message: `It has ${plural(object.bytes, 'byte')}, expected are at least ${limits.min_bytes}.`,
    });
  if (limits.max_bytes !== undefined && object.bytes > limits.max_bytes) {
    out.reasons.push({
      code: 'too_large',
      message: `It has ${plural(object.bytes, 'byte')}, allowed are ${limits.max_bytes}.`,
    });
  }
  let digests: Record<string, string> = { sha256: object.sha256 };
  try {
    const made = await makePayloads(
      object,
      dataset,
      ['md5', 'sha1'].filter((d) => needsDigest(dataset, d)),
      scratch,
      context,
    );
    out.payloads = made.payloads;
    digests = { ...digests, ...made.digests };
  } catch (e) {
    const error = asGranaryError(e);
    if (error.transient || error.code === 'store.disk_full' || !/^(codec|format)\./.test(error.code)) throw e;
    out.fatal.push({ code: error.code, message: error.message });
  }
  const { declared, reasons } = declarationsOf(object, dataset.config, out.payloads.at(-1)?.lastLine ?? undefined);
  out.declared = { ...object.declared, ...declared };
  if (out.fatal.length > 0) {
    out.reasons.push(...compareDeclared({ ...out.declared, rows: undefined }, object, digests, 0));
    return out;
  }
  const records = out.payloads.reduce((n, p) => n + p.facts.records, 0);
  out.reasons.push(...reasons, ...compareDeclared(out.declared, object, digests, records));
  if (limits.min_rows !== undefined && records < limits.min_rows)
    out.reasons.push({
      code: 'too_few_rows',
      message: `It has ${plural(records, 'record')}, expected are at least ${limits.min_rows}.`,
    });
  if (limits.max_rows !== undefined && records > limits.max_rows)
    out.reasons.push({
      code: 'too_many_rows',
      message: `It has ${plural(records, 'record')}, allowed are ${limits.max_rows}.`,
    });
  const parts = dataset.parts.map((p) => datasetOf(context, `${dataset.tenant}/${dataset.source}/${p}`));
  for (const payload of out.payloads)
    out.reasons.push(...headerReasons(payload, dataset), ...recordTypeReasons(payload, dataset, parts));
  return out;
}

function needsDigest(dataset: Dataset, algorithm: string): boolean {
  const { checksum, control_file, trailer } = dataset.config.verify;
  return (
    checksum?.algorithm === algorithm ||
    [control_file?.pattern, trailer?.pattern].some((p) => p?.includes(`?<${algorithm}>`))
  );
}
