// E-P66 Staff brought in from a file, at a desk and on a phone.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Atrium } from '../lib/atrium.mjs';
import { browse } from '../lib/browser.mjs';

let atrium, admin, desk, phone;
before(async () => {
  atrium = await Atrium.start();
  admin = await atrium.tenant('demo');
  await admin.post('/api/core/dept', { name: '总部' });
  desk = await browse();
  await desk.page.emulateMedia({ reducedMotion: 'reduce' });
});
after(async () => {
  await phone?.close();
  await desk?.close();
  await atrium?.stop();
});

async function logIn(b) {
  await b.page.goto(`${admin.base}/console/`);
  await b.hook('login-user').locator('input').or(b.hook('login-user')).last().fill('admin');
  await b.hook('login-password').locator('input').or(b.hook('login-password')).last().fill(admin.password);
  await b.hook('login-submit').click();
  await b.hook('login-submit').waitFor({ state: 'detached' });
}
function file(name, text) {
  const at = path.join(atrium.state, name);
  writeFileSync(at, text);
  return at;
}

test('E-P66 the wizard: upload, columns, preview with complaints, commit, result', async () => {
  await logIn(desk);
  await desk.page.goto(`${admin.base}/console/#/r/core/staff`);
  await desk.hook('list-import').click();
  await desk.hook('import-drop').waitFor();
  assert.deepEqual(await desk.axe(), []);
  const rows = Array.from({ length: 30 }, (_, i) => `desk${i},同事${i},总部,1380000${String(1000 + i)}`);
  rows.push('desk1,重复,总部,13800009999', 'Bad Name!,错误,没有的部,12');
  await desk.hook('import-file').setInputFiles(file('员工.csv', '登录名,姓名,部门,电话\n' + rows.join('\n')));
  await desk.hook('import-column').first().waitFor();
  assert.equal(await desk.hook('import-column').count(), 4);
  await desk.page.screenshot({ path: 'tests/out/import-columns.png' });
  assert.deepEqual(await desk.axe(), []);
  await desk.hook('import-check').click();
  await desk.hook('import-sums').waitFor();
  await desk.page.locator('[data-action=error]').waitFor({ state: 'attached' });
  assert.equal(await desk.page.locator('[data-sum=create]').innerText(), '30');
  assert.equal(await desk.page.locator('[data-sum=skip]').innerText(), '1');
  assert.equal(await desk.page.locator('[data-sum=errors]').innerText(), '1');
  await desk.hook('import-only').click();
  await desk.page.waitForFunction(() => document.querySelectorAll('[data-test=import-line]').length === 1);
  await desk.page.screenshot({ path: 'tests/out/import-preview.png' });
  assert.deepEqual(await desk.axe(), []);
  assert.ok(await desk.hook('import-commit').isDisabled());
  await desk.hook('import-skip').click();
  await desk.hook('import-commit').click();
  await desk.hook('import-result').waitFor();
  assert.equal(await desk.page.locator('[data-sum=created]').innerText(), '30');
  assert.equal(await desk.page.locator('[data-sum=failed]').innerText(), '1');
  await desk.page.screenshot({ path: 'tests/out/import-result.png' });
  assert.deepEqual(await desk.axe(), []);
  await desk.page.reload();
  await desk.hook('import-result').waitFor();
  await desk.hook('import-list').click();
  await desk.hook('row').first().waitFor();
});

test('E-P66 the same on a phone', async () => {
  phone = await browse({ phone: true });
  await logIn(phone);
  await phone.page.goto(`${admin.base}/console/#/r/core/staff/import`);
  await phone.hook('import-file').setInputFiles(file('phone.csv', 'login,name\nphone1,手机一\nphone2,\n'));
  await phone.hook('import-column').first().waitFor();
  await phone.page.screenshot({ path: 'tests/out/import-phone.png' });
  await phone.hook('import-check').click();
  await phone.hook('import-sums').waitFor();
  assert.deepEqual(await phone.axe(), []);
  assert.equal(await phone.page.evaluate(() => document.scrollingElement.scrollWidth <= innerWidth), true);
  await phone.hook('import-skip').click();
  await phone.hook('import-commit').click();
  await phone.hook('import-result').waitFor();
  assert.equal(await phone.page.locator('[data-sum=created]').innerText(), '1');
  await phone.page.goto(`${admin.base}/console/#/r/core/task`);
  await phone.hook('row').first().waitFor();
  await phone.page.screenshot({ path: 'tests/out/tasks-phone.png' });
  assert.deepEqual(await phone.axe(), []);
});
