// What MariaDB does for each list and scope: every statement that the engine
// sends for it is read from the server's log and explained.

const query = (o) => `?${new URLSearchParams(o)}`;

/** The statements of one call, with their values in place. */
export async function statementsOf(sql, call, table = 'bench_lead') {
  sql("TRUNCATE mysql.general_log; SET GLOBAL log_output='TABLE'; SET GLOBAL general_log=1");
  try { await call(); } finally { sql('SET GLOBAL general_log=0'); }
  const text = sql("SELECT REPLACE(CONVERT(argument USING utf8mb4), '\\n', ' ') FROM mysql.general_log WHERE command_type IN ('Execute', 'Query') AND user_host LIKE 'atrium\\_%'");
  // A statement that is prepared and run in one go is logged as it was prepared.
  return text.split('\n').filter((l) => /^\(?SELECT/.test(l) && l.includes(`\`${table}\``) && !l.includes('?'));
}

export async function explainLists({ admin, o, sql, row }) {
  const asked = [{}, { sort: 'due' }, { sort: '-amount' }, { filter: 'stage = "won"' }, { filter: 'stage = "won" and due < 2026-06-01', sort: 'due' }, { filter: 'amount >= 99600' },
    { filter: 'region = "510"' }, { filter: 'due between (2026-03-01,2026-03-03)' }];
  let unseen = 0, full = 0, explained = 0, worst = 0, worstOf = '';
  const people = { administrator: { api: admin }, ...o.people };
  for (const [who, { api }] of Object.entries(people)) {
    for (const q of asked) {
      const list = await statementsOf(sql, async () => {
        const r = await api.get(`/api/bench/lead${query({ limit: 20, ...q })}`);
        if (r.status !== 200) throw new Error(`${who} ${JSON.stringify(q)}: ${r.status} ${JSON.stringify(r.body)}`);
      });
      if (!list.length) unseen++;
      for (const s of list) {
        explained++;
        const plan = sql(`EXPLAIN ${s}`).trim().split('\n').map((l) => l.split('\t'));
        // A walk along an index that ends after some rows is none; ALL on the table is.
        if (plan.some((c) => /bench_lead/.test(c[2]) && c[3] === 'ALL')) {
          full++;
          console.error(`FULL SCAN ${who} ${JSON.stringify(q)}: ${s.slice(0, 400)}`);
        }
        // What was read to give the page, not what the optimiser guessed.
        const before = Number(sql("SHOW GLOBAL STATUS LIKE 'Rows_read'").split('\t')[1]);
        sql(s.replace(/^\(?SELECT/, (m) => m));
        const read = Number(sql("SHOW GLOBAL STATUS LIKE 'Rows_read'").split('\t')[1]) - before;
        if (read > worst) { worst = read; worstOf = `${who} ${JSON.stringify(q)} ${/COUNT/.test(s) ? 'count' : 'page'}`; }
      }
    }
  }
  row('lists and scopes explained: full scans', full, 'statements', { at_most: 0 }, { explained });
  row('lists whose statement was not seen', unseen, 'lists', { at_most: 0 });
  row('rows read for the worst page or count', worst, 'rows', { at_most: 60_000 }, { which: worstOf });
}
