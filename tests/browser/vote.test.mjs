// A-2.2.4f 投票 from a person's side: the administrator in the console, the public
// on a phone. Takes the screenshots that the guides show.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Atrium, Api, png } from '../lib/atrium.mjs';
import { browse } from '../lib/browser.mjs';
import { picture } from '../lib/picture.mjs';

let atrium, admin, desk, phone, poll;
before(async () => {
  atrium = await Atrium.start();
  admin = await atrium.tenant('demo');
  desk = await browse();
  // Pictures show where things end, not what is on the way.
  await desk.page.emulateMedia({ reducedMotion: 'reduce' });
});
after(async () => {
  await phone?.close();
  await desk?.close();
  await atrium?.stop();
});

const zoned = (ms) => {
  const d = new Date(ms + 8 * 3600_000).toISOString();
  return `${d.slice(0, 10)} ${d.slice(11, 19)}`;
};
/** Only the content area scrolls: header and menu stay where they are. */
async function documentStands() {
  assert.deepEqual(await desk.page.evaluate(() => {
    const d = document.scrollingElement;
    return [d.scrollTop, d.scrollHeight === innerHeight, d.scrollWidth === innerWidth];
  }), [0, true, true]);
}
async function fill(name, value) {
  const field = desk.hook(`form-field-${name}`);
  const input = field.locator('input:not([type=hidden]), textarea, [contenteditable=true]').first();
  await input.fill(String(value));
}

test('A-2.2.1a E-P1 the administrator logs in; a wrong password is told, nothing is lost', async () => {
  await desk.page.goto(`${admin.base}/console/`);
  await desk.hook('login-user').locator('input').or(desk.hook('login-user')).last().fill('admin');
  const pass = desk.hook('login-password').locator('input').or(desk.hook('login-password')).last();
  await pass.fill('Wrong-password-1');
  await desk.hook('login-submit').click();
  await desk.hook('login-error').waitFor();
  await desk.shot('console-login');
  assert.deepEqual(await desk.axe(), []);
  await pass.fill(admin.password);
  await desk.hook('login-submit').click();
  await desk.hook('menu-core.plugins').waitFor();
});

test('A-2.2.4f vote is switched on and its menu appears', async () => {
  await desk.hook('menu-core.plugins').click();
  await desk.hook('plugin-vote-switch').waitFor();
  await desk.shot('console-plugins-off');
  await desk.hook('plugin-vote-switch').click();
  const ok = desk.hook('confirm-ok');
  await ok.click();
  await desk.hook('menu-vote.poll').waitFor();
  await desk.shot('console-plugins');
  assert.deepEqual(await desk.axe(), []);
});

test('A-2.2.4f a poll is made with cover, options with pictures, rules; bad input is told at its field', async () => {
  await desk.hook('menu-vote.poll').click();
  await desk.hook('list-new').first().waitFor();
  await desk.shot('console-polls-empty');
  await desk.hook('list-new').first().click();
  await desk.hook('form-save').waitFor();
  await desk.hook('form-save').click();
  await desk.hook('error-name').waitFor();
  assert.match(await desk.hook('error-name').innerText(), /[\u4e00-\u9fff]/);
  await fill('name', '2026 年度展商评选');
  await fill('title', '谁是最佳展商？');
  await fill('intro', '请为您心中的最佳展商投票。');
  const file = path.join(atrium.state, 'cover.png');
  writeFileSync(file, picture(1200, 600, [24, 90, 160]));
  await desk.hook('form-field-cover').locator('input[type=file]').setInputFiles(file);
  await desk.hook('form-field-cover').locator('img').first().waitFor();
  for (const [i, title] of ['海蓝新能源', '启明生物', '云帆智造'].entries()) {
    if (await desk.hook(`child-${i}-title`).count() === 0) await desk.hook('child-add').first().click();
    await desk.hook(`child-${i}-title`).locator('input').or(desk.hook(`child-${i}-title`)).last().fill(title);
    const art = path.join(atrium.state, `option-${i}.png`);
    writeFileSync(art, picture(600, 400, [[30, 120, 110], [150, 80, 40], [90, 70, 150]][i]));
    await desk.hook(`child-${i}-picture`).locator('input[type=file]').or(desk.hook(`child-${i}-picture`).locator('xpath=self::input')).first().setInputFiles(art);
  }
  await fill('starts_at', zoned(Date.now() - 3600_000));
  await desk.page.keyboard.press('Enter');
  await fill('ends_at', zoned(Date.now() - 7200_000));
  await desk.page.keyboard.press('Enter');
  await desk.page.keyboard.press('Escape');
  await desk.hook('form-save').click();
  await desk.hook('error-ends_at').waitFor();
  await documentStands();
  await desk.shot('console-poll-form-errors');
  await fill('ends_at', zoned(Date.now() + 86_400_000));
  await desk.page.keyboard.press('Enter');
  await desk.page.keyboard.press('Escape');
  // Corrected, and told so before it is saved.
  await desk.hook('error-ends_at').waitFor({ state: 'detached' });
  assert.equal(await desk.page.locator('[data-field=ends_at].is-invalid').count(), 0);
  await documentStands();
  await desk.shot('console-poll-form');
  assert.deepEqual(await desk.axe(), []);
  await desk.hook('form-save').click();
  await desk.hook('transition-publish').waitFor();
  const rows = (await admin.get('/api/vote/poll')).body.items;
  assert.equal(rows.length, 1);
  poll = (await admin.get(`/api/vote/poll/${rows[0].id}`)).body;
  assert.equal(poll.options.length, 3);
  assert.ok(poll.cover);
});

test('A-2.2.4f published, with its link and QR code', async () => {
  await desk.hook('transition-publish').click();
  await desk.hook('confirm-ok').click();
  await desk.hook('transition-close').waitFor();
  // One toast, and it says what was done to what.
  await desk.page.getByText('已发布「2026 年度展商评选」').waitFor();
  assert.equal(await desk.page.locator('.el-message').count(), 1);
  await desk.hook('tab-poll-share').click();
  await desk.page.getByText(`id=${poll.id}`).or(desk.page.locator(`input[value*="${poll.id}"]`)).first().waitFor();
  await desk.page.waitForTimeout(500);
  await desk.shot('console-poll-share');
  assert.deepEqual(await desk.axe(), []);
});

test('A-2.2.4f the public votes on a phone and sees results move without reload', async () => {
  const { url } = (await admin.get(`/api/vote/poll/${poll.id}/share`)).body;
  phone = await browse({ phone: true });
  await phone.page.goto(url);
  await phone.hook('poll-title').waitFor();
  assert.match(await phone.hook('poll-title').innerText(), /谁是最佳展商/);
  await phone.page.waitForTimeout(500);
  await phone.shot('h5-poll');
  const first = poll.options[0].id;
  await phone.hook(`option-${first}`).click();
  await phone.hook('vote-submit').click();
  await phone.page.waitForFunction((id) => /1/.test(document.querySelector(`[data-test="option-count-${id}"]`)?.textContent ?? ''), first);
  await phone.shot('h5-poll-voted');
  assert.deepEqual(await phone.axe(), []);
  // Somebody else votes; this phone sees it by itself.
  const other = new Api(admin.base);
  const r = await other.post(`/api/vote/public/poll/${poll.id}/ballots`, { options: [poll.options[1].id] }, { 'idempotency-key': 'another-voter-1' });
  assert.equal(r.status, 201, JSON.stringify(r.body));
  await phone.page.waitForFunction((id) => /1/.test(document.querySelector(`[data-test="option-count-${id}"]`)?.textContent ?? ''), poll.options[1].id);
  assert.match(await phone.hook('poll-total').innerText(), /2/);
  assert.deepEqual(phone.outside, [], 'nothing loads from outside');
  assert.deepEqual(phone.problems, []);
});

test('A-2.2.4f the console shows live counts, a chart, the list of ballots, and exports', async () => {
  await desk.hook('tab-poll-results').click();
  await desk.page.locator('canvas').first().waitFor();
  await new Api(admin.base).post(`/api/vote/public/poll/${poll.id}/ballots`, { options: [poll.options[2].id] }, { 'idempotency-key': 'another-voter-2' });
  // The page's facts, the cards, the trend and the clients tell the same number.
  await desk.page.waitForFunction(() => {
    const n = (e) => Number(e?.textContent);
    const clients = [...document.querySelectorAll('[data-test=results-clients] td:last-child')];
    return n(document.querySelector('[data-fact=ballots]')) === 3 && n(document.querySelector('[data-test=results-total]')) === 3
      && clients.reduce((sum, e) => sum + n(e), 0) === 3;
  });
  await documentStands();
  await desk.shot('console-poll-results');
  assert.deepEqual(await desk.axe(), []);
  await desk.hook('menu-vote.ballot').click();
  await desk.hook('row').first().waitFor();
  assert.equal(await desk.hook('row').count(), 3);
  const device = desk.page.locator('[data-col=device]').first();
  assert.match(await device.innerText(), /^[0-9a-f]{8}…[0-9a-f]{4}$/);
  assert.match(await device.getAttribute('title'), /^[0-9a-f]{24,}$/, 'in full as a tooltip');
  assert.doesNotMatch(await desk.page.locator('.list-scroll tbody').innerText(), /[[\]"]/, 'lists read as text, not as JSON');
  await desk.shot('console-ballots');
  for (const kind of ['csv', 'xlsx']) {
    const [download] = await Promise.all([desk.page.waitForEvent('download'), exportAs(kind)]);
    assert.match(download.suggestedFilename(), new RegExp(`\\.${kind}$`));
  }
  await desk.hook('menu-vote.poll').click();
  await desk.hook('row').first().waitFor();
  await desk.shot('console-polls');
  assert.deepEqual(await desk.axe(), []);
});
async function exportAs(kind) {
  const button = desk.hook(`list-export-${kind}`);
  if (!(await button.first().isVisible().catch(() => false))) await desk.hook('list-export').first().click();
  await button.first().click();
}

test('A-2.2.4f closing stops voting, also on a page that is open', async () => {
  await desk.hook('row').first().click();
  await desk.hook('transition-close').click();
  await desk.hook('confirm-ok').click();
  await desk.hook('transition-reopen').waitFor();
  await desk.shot('console-poll-closed');
  await phone.page.waitForFunction(() => /结束/.test(document.querySelector('[data-test="poll-state"]')?.textContent ?? ''));
  await phone.shot('h5-poll-ended');
  const late = await new Api(admin.base).post(`/api/vote/public/poll/${poll.id}/ballots`, { options: [poll.options[0].id] }, { 'idempotency-key': 'too-late-voter' });
  assert.equal(late.body.code, 'vote.ended');
});

test('a person without rights sees neither menu nor page', async () => {
  const made = await atrium.operator('POST', '/operator/tenants/demo/users', { login: 'clerk', name: '职员' });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const clerk = new Api(admin.base);
  await clerk.login('clerk', made.body.password);
  const boot = (await clerk.get('/api/console/bootstrap')).body;
  assert.ok(!boot.menus.some((m) => m.id.startsWith('vote')));
  assert.equal((await clerk.get('/api/vote/poll')).status, 403);
  assert.equal((await clerk.get(`/api/vote/poll/${poll.id}/stats`)).status, 403);
});

test('nothing in the console loads from outside or breaks its content policy', () => {
  assert.deepEqual(desk.outside, []);
  assert.deepEqual(desk.problems.filter((p) => !/status of 4(01|22)/.test(p)), []);
});
