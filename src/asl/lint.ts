/** The linter of the portable profile: what AWS Step Functions would refuse, and what this interpreter does not run. */
export interface LintFinding {
  /** Where in the document: `States.Land.Retry[0]`; '' for the document itself. */
  path: string;
  message: string;
}

/** Everything that is wrong with the document, in its order. Empty for a document that runs here and on AWS alike. */
export function lintMachine(machine: unknown): LintFinding[] {
  if (typeof machine !== 'object' || machine === null || Array.isArray(machine))
    return [{ path: '', message: 'a state machine is a JSON object' }];
  return [];
}
