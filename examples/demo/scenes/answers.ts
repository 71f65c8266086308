/** What all of it is for: a number that leads back to its file, and questions. */
import { showQuestions } from '../show/questions.ts';
import { showTrace } from '../show/traced.ts';
import { chapter, type Scene } from './scene.ts';

export async function answers({ terminal, owner }: Scene): Promise<void> {
  chapter(terminal, 'From a number back to its file', ['The dearest article that was returned in these two weeks.']);
  await showTrace(owner.runtime, terminal);
  chapter(terminal, 'Three questions', []);
  await showQuestions(owner.runtime.context.warehouse, terminal);
}
