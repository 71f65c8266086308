/** What is posted to each kind of web server. */
import type { Message } from '../../ports/notifier.ts';
import type { WebhookConfig } from '../../project/specs/notifications.ts';

export function bodyOf(shape: WebhookConfig['shape'], message: Message): unknown {
  return { slack, teams, generic }[shape](message);
}

/** Everything, under stable names. */
function generic(m: Message): unknown {
  const { id, severity, mood, title, summary, facts, advice, command, link, thread, at, text, data } = m;
  return { id, at, severity, mood, title, summary, facts, advice, command, link, thread, text, ...data };
}

const MARK = { critical: '🔴', warning: '🟠', info: '🔵' };
const markOf = ({ mood, severity }: Message) =>
  mood === 'resolved' ? '✅' : mood === 'report' ? '📋' : MARK[severity];
const COLOUR = { critical: '#c0392b', warning: '#d68910', info: '#2471a3' };
const colourOf = ({ mood, severity }: Message) => (mood === 'resolved' ? '#1e8449' : COLOUR[severity]);

/** Slack's text needs these three escaped, and nothing else. */
const mrkdwn = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
/** Slack refuses longer texts, so they end early. */
const cut = (text: string, length: number) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

function slack(m: Message): unknown {
  const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text: cut(text, 2900) } });
  // At most ten fields a section.
  const fields = m.facts.slice(0, 10).map(({ name, value }) => ({
    type: 'mrkdwn',
    text: cut(`*${mrkdwn(name)}*\n${mrkdwn(value)}`, 1900),
  }));
  const advice = m.advice.map((a) => `• ${mrkdwn(a)}`).join('\n');
  return {
    text: `${markOf(m)} ${mrkdwn(m.title)}`,
    attachments: [
      {
        color: colourOf(m),
        blocks: [
          section(`*${mrkdwn(m.title)}*\n${mrkdwn(m.summary)}`),
          ...(fields.length > 0 ? [{ type: 'section', fields }] : []),
          ...(advice ? [section(advice)] : []),
          ...(m.command !== null ? [section(`\`\`\`${mrkdwn(m.command)}\`\`\``)] : []),
          ...(m.link !== null ? [section(`<${m.link}|Open in Granary>`)] : []),
        ],
      },
    ],
  };
}

/** Cards render a little Markdown: names of files must not become links or emphasis. */
const plain = (text: string) => text.replaceAll(/[\\[\]*_`#>~]/g, (c) => `\\${c}`);

/** An Adaptive Card, as the workflow "post to a channel when a webhook request is received" takes it. */
function teams(m: Message): unknown {
  const block = (text: string, more: object = {}) => ({ type: 'TextBlock', text, wrap: true, ...more });
  const colour =
    m.mood === 'resolved' ? 'Good' : { critical: 'Attention', warning: 'Warning', info: 'Accent' }[m.severity];
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          msteams: { width: 'Full' },
          body: [
            block(`${markOf(m)} ${plain(m.title)}`, { size: 'Large', weight: 'Bolder', color: colour }),
            block(plain(m.summary)),
            ...(m.facts.length > 0
              ? [{ type: 'FactSet', facts: m.facts.map(({ name, value }) => ({ title: name, value: plain(value) })) }]
              : []),
            ...m.advice.map((a) => block(`• ${plain(a)}`, { spacing: 'Small' })),
            ...(m.command !== null ? [block(plain(m.command), { fontType: 'Monospace' })] : []),
          ],
          ...(m.link !== null && { actions: [{ type: 'Action.OpenUrl', title: 'Open in Granary', url: m.link }] }),
        },
      },
    ],
  };
}
