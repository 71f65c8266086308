/** The demo: a night that Granary gets through by itself, what went wrong in it, a file that is late, and what can be asked in the end. */
import type { Terminal } from '../../src/cli/terminal/terminal.ts';
import { StoryClock } from './clock.ts';
import { makeDeliveries } from './generate/deliveries.ts';
import { up } from './owner.ts';
import { answers } from './scenes/answers.ts';
import { theFileGaveUp, whatGaveUpIsReplayed } from './scenes/dead-letter.ts';
import { itComes, theFileIsLate } from './scenes/late.ts';
import { theNight } from './scenes/night.ts';
import type { Scene } from './scenes/scene.ts';
import { deliver, makeFolder, SECRETS, type Servers, serve } from './setup.ts';

export interface DemoOptions {
  /** Absolute. Made anew. */
  dir: string;
  terminal: Terminal;
}

/** Resolves, at the end of the story, to what stops the embedded servers. */
export async function tell({ dir, terminal }: DemoOptions): Promise<Servers> {
  terminal.line(terminal.style.bold('Marlow: twelve bookshops, a webshop and an academy, 2 to 15 November 2026'));
  const deliveries = await makeDeliveries(SECRETS.CRM_PASSPHRASE);
  await makeFolder(dir);
  const servers = await serve(dir);
  try {
    await deliver(deliveries.catalog, dir);
    const clock = new StoryClock('2026-11-16T03:30:00+01:00');
    const owner = await up(dir, clock, terminal);
    try {
      const scene: Scene = { dir, terminal, clock, servers, deliveries, owner };
      await theNight(scene);
      await theFileGaveUp(scene);
      await whatGaveUpIsReplayed(scene);
      await theFileIsLate(scene);
      await itComes(scene);
      await answers(scene);
    } finally {
      await owner.stop();
    }
    return servers;
  } catch (e) {
    await servers.close();
    throw e;
  }
}
