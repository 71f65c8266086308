/** `granary add transform`. */
import { transformTemplate } from '../../project/transform-template.ts';
import { addOwnCode } from '../add-own.ts';
import type { Call, ExitCode } from '../command.ts';

export const execute = (call: Call): Promise<ExitCode> =>
  addOwnCode(call, {
    word: 'transform',
    taken: [],
    template: transformTemplate,
    does: 'tidies text, and works as it is',
    next: (name) => [
      [`transform: ${name}`, 'in a dataset; then granary check, and granary replay --dataset … for what is loaded'],
    ],
  });
