/**
 * Curate: a verified object becomes typed, filtered, checked Parquet and rejects, and every received record is accounted for.
 * Idempotent: the curation's id comes from the object and everything that decides its rows.
 */
import { GranaryError } from '../../lib/errors.ts';
import { idOf } from '../../lib/hash.ts';
import { literal, sql } from '../../lib/sql.ts';
import { plural } from '../../lib/units.ts';
import { toEmit } from '../../model/events.ts';
import { CURATIONS, type CurationDoc, OBJECTS, type ObjectDoc, type Reason, toPublish } from '../../model/objects.ts';
import { isoNow } from '../../ports/clock.ts';
import type { Engine } from '../../ports/engine.ts';
import type { Format } from '../../ports/format.ts';
import { putWrite } from '../../ports/state-store.ts';
import { datasetOf, type StageContext } from '../context.ts';
import { formatConfig } from '../format-config.ts';
import { quarantineEvent } from '../object-event.ts';
import { payloadFor } from '../payload-header.ts';
import type { Payload } from '../verify/payloads.ts';
import { objectOf, payloadsOf, plain } from '../verify/verify.ts';
import { type Accounting, account, sumReasons } from './accounting.ts';
import { anyBroken } from './checks.ts';
import { driftNotes, latestSchema, recordSchema, standingContract, withAdded, withWidened } from './contract.ts';
import { fromPayload } from './plan.ts';
import { ALL_PARSE_REJECTS, collectRawTexts, markRejects, type RejectsInput, writeRejects } from './rejects.ts';
import { type Staged, stageAll, type Work } from './stage-all.ts';
import { parquetRows } from './staging.ts';
import { judgeWholeObject, storedRows } from './whole-object.ts';
import { curatedSelect, writeCurated } from './write.ts';

export interface CurateInput {
  object: string;
  /** `tenant/source/dataset`: the object's dataset, or a part of it. */
  dataset: string;
  /** Parquet snapshots of reference tables in the object store, by table. */
  references: Record<string, string>;
}

export interface CurateOutput {
  curation: string;
  status: 'curated' | 'quarantined';
  received: number;
  accepted: number;
  filtered: number;
  deduplicated: number;
  rejected: number;
  /** Why the object is in quarantine. */
  reasons: Reason[];
  /** How its columns differ from the contract, in sentences. */
  drift: string[];
}

export async function curate(input: CurateInput, context: StageContext): Promise<CurateOutput> {
  const object = await objectOf(context, input.object);
  const dataset = datasetOf(context, input.dataset);
  if (!object.payloads)
    throw new GranaryError(
      'stage.bad_input',
      `Object ${object.id} (${object.file}) is ${object.status}: it cannot be curated.`,
      { where: { object: object.id } },
    );
  const schema = await latestSchema(context, dataset.key);
  const references = Object.values(input.references).sort();
  const curation = idOf(
    object.id,
    dataset.key,
    dataset.contractHash,
    dataset.config.on_drift === 'evolve' ? (schema?.version ?? 0) : 0,
    ...references,
  );
  const known = await context.state.get(CURATIONS, curation);
  if (known && known.current === 1) return outputOf(known);
  const contract = standingContract(dataset, schema);
  const sources = fromPayload(contract).map((c) => c.column.from ?? c.name);
  const payloads: Payload[] = [];
  for (const p of await payloadsOf(context, object)) payloads.push(await payloadFor(context, p, dataset, sources));
  return context.withScratch(async (scratch) => {
    const work = { object, dataset, curation, payloads, references: input.references, scratch, contract };
    const engine = await context.openEngine();
    const stop = () => engine.interrupt();
    context.signal?.addEventListener('abort', stop);
    try {
      return await curateWith(engine, work, context);
    } catch (e) {
      const reason = unreadable(e);
      if (reason) return await quarantine(context, work, NOTHING, [reason]);
      if (e instanceof GranaryError && !e.where)
        throw new GranaryError(e.code, `${dataset.key}, ${object.file}: ${e.message}`, {
          ...e,
          where: { object: object.id },
          cause: e,
        });
      throw e;
    } finally {
      context.signal?.removeEventListener('abort', stop);
      await engine.close();
    }
  });
}

/** What a curation that was made before has given. */
export function outputOf(doc: CurationDoc): CurateOutput {
  const { received, accepted, filtered, deduplicated, rejected } = doc.counts;
  return {
    curation: doc.id,
    status: 'curated',
    received,
    accepted,
    filtered,
    deduplicated,
    rejected,
    reasons: [],
    drift: doc.drift,
  };
}

async function curateWith(engine: Engine, work: Work, context: StageContext): Promise<CurateOutput> {
  const { object, dataset, curation, payloads } = work;
  const format = context.formats.get(dataset.format.type)! as Format<unknown>;
  const config = formatConfig(dataset);
  const evolves = dataset.config.on_drift === 'evolve';
  const drift = [...new Set(payloads.flatMap((p) => driftNotes(p.header, dataset)))];
  const discover = async ({ key, name }: Payload, whole: boolean) =>
    format.discover({ engine, path: await context.objects.localPath(key), name, config, whole });
  let contract = work.contract;
  if (evolves) {
    for (const p of payloads) {
      const fresh = withAdded(contract, p.header, dataset, []).added;
      if (fresh.length === 0) continue;
      const found = await discover(p, false);
      contract = withAdded(contract, p.header, dataset, found.columns).contract;
    }
  }
  if (dataset.config.mask)
    await engine.run(sql`SET VARIABLE mask_key = ${literal(context.project.config.mask_key ?? '')}`);
  const stagedContract = contract;
  let staged = await stageAll(engine, work, contract, format, config, context);
  if (evolves && (await hasTypeFailures(engine, staged))) {
    for (const p of payloads) {
      const found = await discover(p, true);
      const wider = withWidened(contract, found.columns);
      contract = wider.contract;
      drift.push(...wider.widened.map((w) => `Type widened: ${w}.`));
    }
    if (contract !== stagedContract) staged = await stageAll(engine, work, contract, format, config, context);
  }
  const plan = staged.plan;
  await judgeWholeObject(engine, dataset, plan, staged.all);
  const accounting = await account(engine, dataset, plan, staged.files, staged.all);
  const reasons = [
    ...accounting.quarantine,
    ...(await sumReasons(engine, staged.all, object.declared?.sums ?? {}, plan)),
  ];
  if (reasons.length > 0 && !object.released) return quarantine(context, work, accounting, reasons);

  const archive = dataset.unpack.some((c) => c.type === 'zip' || c.type === 'tar');
  const select = await curatedSelect(engine, work, plan.curated, staged, archive);
  const masks = dataset.config.mask ?? {};
  const refused: RejectsInput = {
    engine,
    all: staged.all,
    checks: plan.checks,
    staged: staged.files,
    object: object.id,
    dataset: dataset.key,
    curation,
    hideRaw: Object.keys(masks).length > 0,
    maskedSources: new Set(contract.filter((c) => masks[c.name]).map((c) => c.column.from ?? c.name)),
    archive,
    scratch: work.scratch,
  };
  const hasRejects = accounting.rejected > 0;
  if (hasRejects) await markRejects(refused);
  const [texts, files] = await Promise.all([
    hasRejects ? collectRawTexts(refused) : '',
    writeCurated(engine, context, work, select, storedRows(staged.all, dataset, plan)),
  ]);
  const written = await sumRows(engine, context, files);
  if (written !== accounting.accepted) {
    throw new GranaryError('books.imbalance', `Accepted ${plural(accounting.accepted, 'row')}, but wrote ${written}.`, {
      where: { object: object.id },
    });
  }
  const rejects = hasRejects
    ? await context.objects.writeLocal(`rejects/${dataset.key}/${object.id}/${curation}/`, (folder) =>
        writeRejects(refused, texts, folder),
      )
    : [];
  await recordSchema(
    context,
    dataset,
    contract,
    drift.length > 0 ? `object ${object.id}: ${drift.join(' ')}` : 'contract',
  );
  const doc: CurationDoc = {
    id: curation,
    object: object.id,
    dataset: dataset.key,
    contractHash: dataset.contractHash,
    current: 1,
    status: 'curated',
    files: files.map((f) => f.key),
    rejects: rejects.map((r) => r.key),
    columns: select.columns,
    counts: {
      received: accounting.received,
      accepted: accounting.accepted,
      filtered: accounting.filtered,
      deduplicated: accounting.deduplicated,
      rejected: accounting.rejected,
    },
    byRule: accounting.byRule,
    drift,
    curatedAt: isoNow(context.clock),
  };
  await context.state.put(CURATIONS, doc);
  return outputOf(doc);
}

async function sumRows(engine: Engine, context: StageContext, files: { key: string }[]): Promise<number> {
  return parquetRows(engine, await Promise.all(files.map((f) => context.objects.localPath(f.key))));
}

async function hasTypeFailures(engine: Engine, { plan, all }: Staged): Promise<boolean> {
  const [row] = await engine.all<{ found: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM ${ALL_PARSE_REJECTS} WHERE rule = 'type' OR starts_with(rule, 'type(')) OR EXISTS (SELECT 1 FROM ${all} WHERE ${anyBroken(plan.checks, ['type'])}) AS found`,
  );
  return row!.found;
}

/** Of an object that no format can read. */
const NOTHING = { received: 0, accepted: 0, filtered: 0, deduplicated: 0, rejected: 0 };

/** Verification counts records only; that they cannot be read is a reason all the same, which no release overrules. */
function unreadable(e: unknown): Reason | undefined {
  if (!(e instanceof GranaryError) || e.transient || !e.code.startsWith('format.')) return undefined;
  return { code: e.code, message: e.message };
}

/** A quarantine rule or the declared sums hold the whole object back, or it cannot be read. */
async function quarantine(
  context: StageContext,
  work: Work,
  accounting: Pick<Accounting, keyof typeof NOTHING>,
  reasons: Reason[],
): Promise<CurateOutput> {
  const { received, accepted, filtered, deduplicated, rejected } = accounting;
  const held: ObjectDoc = { ...plain<ObjectDoc>(work.object), status: 'quarantined', reasons };
  await context.state.transact([
    putWrite(OBJECTS, held, { rev: work.object.rev }),
    toPublish('object', held.id),
    toEmit(quarantineEvent(held, held.run ?? held.id, isoNow(context.clock))),
  ]);
  return {
    curation: work.curation,
    status: 'quarantined',
    received,
    accepted,
    filtered,
    deduplicated,
    rejected,
    reasons,
    drift: [],
  };
}
