// The part `import` of tests/bench/model: a CSV of a million rows of bench.lead, a tenth of
// them with a number that the file has had or that a record has, brought in with the worker
// killed once in the middle; beside it LOAD DATA INFILE of the same rows.
import { closeSync, mkdtempSync, openAsBlob, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const stages = ['初步', '洽谈', '成交', '流失'];
const codes = ['first', 'talk', 'won', 'lost'];

/** Line i of the file; every tenth has the number of the one before it, every twentieth that
 * of a record that is there. */
function lineOf(i, code) {
  const twice = i % 10 === 9, there = i % 20 === 19;
  const no = there ? `OLD${(i - 19) / 20}` : `I${twice ? i - 1 : i}`;
  const due = new Date(Date.UTC(2026, 0, 1 + i % 700)).toISOString().slice(0, 10);
  return [no, `线索 ${i}`, `138${String(i).padStart(8, '0')}`, (i * 31 % 997).toFixed(2), (code ? codes : stages)[i % 4], due,
    code ? String(501 + i % 200) : `片区${1 + i % 200}`].join(',');
}

function write(file, total, code) {
  const fd = openSync(file, 'w');
  if (!code) writeSync(fd, '编号,名称,电话,金额,阶段,期限,片区\n');
  for (let i = 0; i < total; i += 5000) writeSync(fd, Array.from({ length: Math.min(5000, total - i) }, (_, k) => lineOf(i + k, code)).join('\n') + '\n');
  closeSync(fd);
}

const rss = (pid) => { try { return Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]) / 1024; } catch { return 0; } };

export async function importRows({ atrium, admin, total, sql, row }) {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'atrium-import-'));
  const must = (r, ...ok) => { if (!ok.includes(r.status)) throw new Error(`${r.status} ${JSON.stringify(r.body)}`); return r.body; };
  let peak = 0;
  const worker = () => atrium.workers()[0];
  try {
    const csv = path.join(dir, 'leads.csv'), bare = path.join(dir, 'bare.csv');
    write(csv, total, false);
    sql('INSERT IGNORE INTO bench_region (id, created_at, updated_at, name) SELECT 500 + seq, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), CONCAT("片区", seq) FROM seq_1_to_200');
    sql(`INSERT INTO bench_lead (id, created_at, updated_at, created_by, owner, dept, version, live, no, name) SELECT 5000000 + seq, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), 0, NULL, NULL, 1, 1, CONCAT('OLD', seq), '原有' FROM seq_0_to_${Math.floor(total / 20)}`);
    const before = Number(sql('SELECT COUNT(*) FROM bench_lead'));
    await admin.get('/api/bench/lead?limit=1');
    const idle = rss(worker());
    /** Waits for a task; `at(task)` is asked meanwhile. */
    const ended = async (id, at = () => {}) => {
      for (;;) {
        peak = Math.max(peak, rss(worker()));
        const t = (await admin.get(`/api/core/task/${id}`).catch(() => null))?.body;
        if (t?.state) await at(t);
        if (t?.state === 'done') return t;
        if (['failed', 'cancelled'].includes(t?.state)) throw new Error(JSON.stringify(t));
        await sleep(200);
      }
    };

    let t0 = Date.now();
    const form = new FormData();
    form.append('file', await openAsBlob(csv), 'leads.csv');
    const sent = await admin.fetch('POST', '/api/bench/lead/import', { raw: form });
    const up = must({ status: sent.status, body: await sent.json() }, 201);
    const uploaded = Date.now() - t0;
    await ended(must(await admin.post(`/api/bench/lead/import/${up.id}/check`, { on_match: 'skip' }), 202).task);
    const checked = Date.now() - t0 - uploaded;
    const { counts } = must(await admin.get(`/api/bench/lead/import/${up.id}`), 200);
    let killed = 0;
    const task = await ended(must(await admin.post(`/api/bench/lead/import/${up.id}/commit`), 202).task, async (t) => {
      if (killed || t.done < total * 0.4) return;
      killed = t.done;
      process.kill(worker(), 'SIGKILL');
      await atrium.ready();
    });
    const seconds = (Date.now() - t0) / 1000;
    const twice = Array.from({ length: total }, (_, i) => i).filter((i) => i % 10 === 9).length;
    const want = total - twice, made = Number(sql('SELECT COUNT(*) FROM bench_lead')) - before;
    const distinct = Number(sql("SELECT COUNT(DISTINCT no) FROM bench_lead WHERE no LIKE 'I%'"));
    const wrong = Math.abs(made - want) + Math.abs(distinct - want) + Math.abs(task.result.created - want) + Math.abs(task.result.skipped - twice) + task.result.failed;
    row(`import of ${total.toLocaleString('en')} rows`, seconds, 's', {}, { upload: uploaded / 1000, check: checked / 1000, commit: (Date.now() - t0 - uploaded - checked) / 1000, killed_at: killed, megabytes: Math.round(statSync(csv).size / 1e6) });
    row('memory over idle while importing', peak - idle, 'MB', { at_most: 150 }, { idle: Math.round(idle) });
    row('rows lost or doubled', wrong, 'rows', { at_most: 0 }, { created: made, skipped: task.result.skipped, checked: counts });

    write(bare, total, true);
    sql('DROP TABLE IF EXISTS bench_copy');
    sql('CREATE TABLE bench_copy LIKE bench_lead');
    t0 = Date.now();
    sql(`SET @n = 0; LOAD DATA LOCAL INFILE '${bare}' IGNORE INTO TABLE bench_copy CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' (no, name, phone, amount, stage, due, region)
      SET id = (@n := @n + 1), created_at = UTC_TIMESTAMP(6), updated_at = UTC_TIMESTAMP(6), version = 1, live = 1`);
    const load = (Date.now() - t0) / 1000;
    row('LOAD DATA of the same file', load, 's', {}, { rows: Number(sql('SELECT COUNT(*) FROM bench_copy')) });
    row('import beside LOAD DATA', seconds / load, 'ratio');
    sql('DROP TABLE bench_copy');
  } finally { rmSync(dir, { recursive: true, force: true }); }
}
