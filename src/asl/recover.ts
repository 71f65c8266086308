/** What an engine finds when it opens: nothing is in flight any more, so what was runs again. */
import type { Core, Frame } from './core.ts';
import { frameById, retryCount, saveFrame } from './core.ts';

/** Within one transaction. RUNNING attempts go back to the queue and keep their deadline; reading and writing on the side begins again. */
export function recover(core: Core): void {
  const live = core.db.all<Pick<Frame, 'id'>>(
    `SELECT id FROM frame WHERE status IN ('RUNNING', 'FILLING', 'WRITING') AND status NOT IN ('DONE', 'FAILED', 'ABORTED')
     ORDER BY entered, id`,
  );
  for (const { id } of live) {
    const frame = frameById(core, id)!;
    const run = core.run(frame.exec);
    if (frame.status === 'RUNNING') {
      core.record(run, 'TaskHandedBack', frame.path, frame.state, `{"attempt":${retryCount(frame) + 1}}`);
      frame.status = 'QUEUED';
      frame.wake = frame.deadline;
    } else {
      if (frame.status === 'FILLING') core.db.run('DELETE FROM item WHERE frame = ?', id);
      // READY with all children ended means: join, and write again.
      frame.status = 'READY';
    }
    saveFrame(core, run, frame);
  }
}
