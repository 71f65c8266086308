/**
 * Billing, as Stripe's API answers: `{"object":"list","data":[…],"has_more":true}`, newest first, pages by `starting_after` the last id.
 * There is no filter by the time of a change: objects are read by when they were created, and `events` say what changed later.
 */
import type { Preset, PresetEndpoint } from './preset.ts';

const CURSOR = {
  type: 'cursor',
  parameter: 'starting_after',
  last: 'id',
  more: 'has_more',
  size_parameter: 'limit',
  size: 100,
  next: undefined,
  next_header: undefined,
} as const;

const list = (title: string, path: string, query?: Record<string, string>): PresetEndpoint => ({
  title,
  path,
  records: 'data',
  pagination: CURSOR,
  key: ['id'],
  ...(query && { query }),
  incremental: {
    parameter: 'created[gte]',
    from: 'created',
    format: 'unix',
    initial: undefined,
    // What was created is still changed for a while: an invoice is paid.
    lookback: 30 * 86_400,
    until_parameter: undefined,
    window: undefined,
  },
});

export const stripe: Preset = {
  title: 'Billing, as Stripe answers',
  documentation: 'https://docs.stripe.com/api/pagination',
  base: 'https://api.stripe.com/v1',
  headers: {},
  query: {},
  perSecond: 20,
  endpoints: {
    customers: list('Customers', '/customers'),
    invoices: list('Invoices', '/invoices'),
    charges: list('Charges', '/charges'),
    subscriptions: list('Subscriptions, those that ended too', '/subscriptions', { status: 'all' }),
    balance_transactions: list('Movements of the balance', '/balance_transactions'),
    events: list('What happened in the last 30 days', '/events'),
    products: list('Products', '/products'),
    prices: list('Prices', '/prices'),
  },
};
