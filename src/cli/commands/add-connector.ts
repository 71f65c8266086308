/** `granary add connector`. */
import { connectorTemplate } from '../../project/connector-template.ts';
import { CONNECTORS } from '../../runtime/catalog.ts';
import { addOwnCode } from '../add-own.ts';
import type { Call, ExitCode } from '../command.ts';

export const execute = (call: Call): Promise<ExitCode> =>
  addOwnCode(call, {
    word: 'connector',
    taken: CONNECTORS.map((c) => c.type),
    template: connectorTemplate,
    does: 'reads a small list',
    next: (name) => [[`granary discover --connector ${name} --name ${name}`, 'a source of it; then granary run']],
  });
