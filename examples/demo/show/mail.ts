/** Mails that were caught: what a person sees first, or what matters in them. */
import type { Terminal } from '../../../src/cli/terminal/terminal.ts';
import type { Mail } from '../mail/message.ts';

/** One line, as in a list of mails. */
export function showSubject({ subject, to }: Mail, terminal: Terminal): void {
  const { style } = terminal;
  terminal.line(`  ${style.yellow('✉')} ${style.bold(subject)}  ${style.dim(`to ${to}`)}`);
}

/** With what matters in the text: what is wrong, since when, and what to do. */
export function showMail(mail: Mail, terminal: Terminal): void {
  showSubject(mail, terminal);
  for (const line of essence(mail.text)) terminal.line(`    ${terminal.style.dim('│')} ${line}`);
}

/** The text begins with its heading, then comes the summary in one paragraph, then facts, a line each. */
function essence(text: string): string[] {
  const [, , summary = '', ...rest] = text.split('\n-- \n')[0]!.split(/\n{2,}/);
  const facts = rest.flatMap((part) => part.split('\n')).filter((line) => line.startsWith('Since:'));
  const advice = rest.filter((part) => part.startsWith('What to do')).flatMap((part) => part.split('\n').slice(2));
  return [...summary.split('\n'), ...facts, ...advice];
}
