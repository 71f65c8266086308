/** The presets there are: a literal list. */
import { stripe } from './billing.ts';
import { hubspot } from './crm.ts';
import type { Preset } from './preset.ts';
import { matomo } from './web-analytics.ts';

const PRESETS = { matomo, hubspot, stripe } satisfies Record<string, Preset>;

export const PRESET_NAMES = ['matomo', 'hubspot', 'stripe'] as const satisfies (keyof typeof PRESETS)[];

export function presetOf(name: (typeof PRESET_NAMES)[number] | undefined): Preset | undefined {
  return name === undefined ? undefined : PRESETS[name];
}
