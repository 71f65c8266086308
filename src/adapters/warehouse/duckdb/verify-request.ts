/** What a load must say before anything is read. */
import { GranaryError } from '../../../lib/errors.ts';
import { type LoadRequest, SYSTEM_SCHEMA } from '../../../ports/warehouse.ts';
import { deletedColumn, sameName } from './evolve.ts';

/** Errors: `load.failed`. */
export function verifyRequest(request: LoadRequest): void {
  const { strategy, table, objectId, dataset } = request;
  const { strategy: name, key = [], partition = [] } = strategy;
  const lacks =
    (name === 'merge' || name === 'snapshot') && key.length === 0
      ? 'key'
      : name === 'replace_partition' && partition.length === 0
        ? 'partition'
        : undefined;
  if (lacks)
    throw new GranaryError('load.failed', `Dataset ${dataset} is loaded with ${name} and names no ${lacks}.`, {
      where: { object: objectId },
      hint: `Add \`load: { strategy: ${name}, ${lacks}: [column] }\`.`,
    });
  if (table.schema.toLowerCase() === SYSTEM_SCHEMA)
    throw new GranaryError('load.failed', `Dataset ${dataset} cannot fill tables of schema ${SYSTEM_SCHEMA}.`, {
      where: { object: objectId },
      hint: 'Give the tenant another name: this schema is for the system tables.',
    });
  verifyDeleted(request);
}

function verifyDeleted({ strategy, columns, dataset, objectId }: LoadRequest): void {
  const { strategy: name, deleted, key = [], version = [] } = strategy;
  if (deleted === undefined || name === 'append') return;
  const refuse = (what: string, hint: string) =>
    new GranaryError('load.failed', `Dataset ${dataset} ${what}.`, { where: { object: objectId }, hint });
  if (deletedColumn(strategy) === undefined)
    throw refuse(
      `is loaded with ${name}, which has no keys that rows could say are deleted`,
      'Load it with merge or snapshot, or take `deleted` out of `load`.',
    );
  const column = columns.find((c) => sameName(c.name, deleted));
  if (column?.type !== 'boolean')
    throw refuse(
      `says in column ${deleted} which keys are deleted, and that column is ${column ? column.type : 'not in its contract'}`,
      `Give the contract a column ${deleted} of type boolean.`,
    );
  if ([...key, ...version].some((c) => sameName(c, deleted)))
    throw refuse(
      `says in column ${deleted} which keys are deleted, and has the same column as key or version`,
      'Take it out of `key` and `version`: it is not stored in the table.',
    );
}
