/** Three questions of Marlow's people, asked in SQL. */
import type { Cell, Column } from '../../../src/cli/terminal/table.ts';
import type { Terminal } from '../../../src/cli/terminal/terminal.ts';
import type { Warehouse } from '../../../src/ports/warehouse.ts';
import { rowsOf } from './rows.ts';

interface Question {
  asked: string;
  sql: string;
  columns: readonly Column[];
}

const right = (title: string): Column => ({ title, align: 'right' });
const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

const QUESTIONS: readonly Question[] = [
  {
    asked: 'What do the six largest shops take in on each day of the week? (€, average, returns taken off)',
    sql: `
      SELECT store,
        ${WEEKDAYS.map((day, i) => `format('{:,}', round(sum(amount) FILTER (isodow(sold_at) = ${i + 1}) / 2)::BIGINT) AS ${day}`).join(',\n        ')},
        format('{:,}', round(sum(amount) / 2)::BIGINT) AS week
      FROM sales GROUP BY store ORDER BY sum(amount) DESC LIMIT 6`,
    columns: [{ title: 'shop' }, ...WEEKDAYS.map(right), right('week')],
  },
  {
    asked: 'Which articles come back?',
    sql: `
      SELECT category,
        format('{:,}', sum(quantity) FILTER (kind = 'V')::BIGINT) AS sold,
        format('{:,}', sum(quantity) FILTER (kind = 'R')::BIGINT) AS returned,
        format('{:.1f} %', 100 * sum(quantity) FILTER (kind = 'R') / sum(quantity) FILTER (kind = 'V')) AS rate,
        format('{:,}', round(-sum(amount) FILTER (kind = 'R'))::BIGINT) AS cost
      FROM sales GROUP BY category ORDER BY sum(quantity) FILTER (kind = 'R') / sum(quantity) FILTER (kind = 'V') DESC`,
    columns: [{ title: 'category' }, right('sold'), right('returned'), right('rate'), right('worth €')],
  },
  {
    asked: 'Which courses do people complete after they have bought something that goes with them?',
    sql: `
      WITH bought AS (
        SELECT customer, category, sold_at::DATE AS day FROM sales WHERE kind = 'V' AND customer IS NOT NULL
        UNION ALL
        SELECT customer, category, placed_at::DATE FROM order_lines
      ), latest AS (
        SELECT x.completion_id, c.title, c.topic, x.completed_at::DATE AS day, max(b.day) AS bought_on
        FROM completions x JOIN courses c ON c.course_id = x.course
        LEFT JOIN bought b ON b.customer = x.customer AND b.category = c.topic AND b.day <= x.completed_at::DATE
        GROUP BY ALL
      )
      SELECT title, topic, count(*)::VARCHAR AS completed,
        format('{:.0f} %', 100 * count(bought_on) / count(*)) AS after_purchase,
        coalesce(format('{:.0f}', median(day - bought_on)), '–') AS days
      FROM latest GROUP BY title, topic ORDER BY count(bought_on) / count(*) DESC, title LIMIT 6`,
    columns: [
      { title: 'course' },
      { title: 'goes with' },
      right('completed'),
      right('after a purchase'),
      right('days since, median'),
    ],
  },
];

export async function showQuestions(warehouse: Warehouse, terminal: Terminal): Promise<void> {
  for (const [i, question] of QUESTIONS.entries()) {
    if (i > 0) terminal.line();
    terminal.line(`  ${terminal.style.cyan(question.asked)}`);
    const rows = await rowsOf(warehouse, question.sql);
    terminal.table(
      question.columns,
      rows.map((row) => Object.values(row).map((v): Cell => String(v))),
      4,
    );
  }
}
