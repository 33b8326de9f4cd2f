// An administrator adds a field to the staff, fills it, sees it in the list and asks for it, on a
// desk and on a phone.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Atrium, top } from '../lib/atrium.mjs';
import { browse } from '../lib/browser.mjs';

const out = path.join(top, 'tests/out');
let atrium, admin;

before(async () => {
  mkdirSync(out, { recursive: true });
  atrium = await Atrium.start();
  admin = await atrium.tenant('demo');
  for (const [login, name] of [['lin', '林一'], ['zhou', '周二']])
    assert.equal((await admin.post('/api/core/staff', { login, name })).status, 201);
});
after(() => atrium?.stop());

async function login(b) {
  await b.page.goto(`${admin.base}/console/`);
  await b.hook('login-user').locator('input').or(b.hook('login-user')).last().fill('admin');
  await b.hook('login-password').locator('input').or(b.hook('login-password')).last().fill(admin.password);
  await b.hook('login-submit').click();
  await b.page.waitForURL(/#\/(?!login)/);
}

async function choose(b, where, text) {
  await where.locator('.el-select').first().click();
  await b.page.locator('.el-select-dropdown__item:visible').filter({ hasText: text }).first().click();
}

/** The field's own form: a choice of two, shown in lists. */
async function define(b, code, title) {
  const field = (name) => b.hook(`form-field-${name}`);
  const type = (name, value) => field(name).locator('input').first().fill(value);
  await b.page.goto(`${admin.base}/console/#/r/core/custom_field/new`);
  await b.hook('form-save').waitFor();
  await type('resource', 'core.staff');
  await type('name', code);
  await choose(b, field('type'), '单选');
  await type('title_zh', title);
  await type('title_en', code);
  await field('listed').locator('.el-switch').click();
  for (const [i, [value, zh]] of [['day', '白班'], ['night', '夜班']].entries()) {
    if (!(await b.hook(`child-${i}-code`).count())) await b.hook('child-add').click();
    await b.hook(`child-${i}-code`).locator('input').fill(value);
    await b.hook(`child-${i}-title_zh`).locator('input').fill(zh);
    await b.hook(`child-${i}-title_en`).locator('input').fill(value);
  }
}

async function journey(b, name) {
  const { page } = b;
  const code = `shift_${name}`, title = `班次${name === 'desk' ? '甲' : '乙'}`;
  const shot = (what) => page.screenshot({ path: path.join(out, `custom-${name}-${what}.png`) });
  await login(b);
  // The staff's form is opened first: what it knew of its fields is not kept.
  await page.goto(`${admin.base}/console/#/r/core/staff/new`);
  await b.hook('form-save').waitFor();
  assert.equal(await b.hook(`form-field-custom.${code}`).count(), 0);
  await define(b, code, title);
  assert.deepEqual(await b.axe(), []);
  await shot('define');
  if (name === 'desk') await b.shot('console-custom-field');
  await b.hook('form-save').click();
  await page.waitForURL(/custom_field\/\d+$/);
  await page.goto(`${admin.base}/console/#/r/core/custom_field`);
  await page.getByText(title).first().waitFor();
  assert.deepEqual(await b.axe(), []);
  await shot('fields');

  const lin = (await admin.get('/api/core/staff?filter=' + encodeURIComponent('login = "lin"'))).body.items[0];
  await page.goto(`${admin.base}/console/#/r/core/staff/${lin.id}/edit`);
  await b.hook(`form-field-custom.${code}`).waitFor();
  await page.getByRole('heading', { name: '自定义字段' }).waitFor();
  await choose(b, b.hook(`form-field-custom.${code}`), '夜班');
  await b.hook(`form-field-custom.${code}`).scrollIntoViewIfNeeded();
  assert.deepEqual(await b.axe(), []);
  await shot('form');
  await b.hook('form-save').click();
  await page.waitForURL(/staff\/\d+$/);
  await page.locator(`[data-field="custom.${code}"]`).getByText('夜班').waitFor();
  assert.equal((await admin.get(`/api/core/staff/${lin.id}`)).body.custom[code], 'night');
  assert.deepEqual(await b.axe(), []);
  await shot('detail');
  await b.hook('tab-history').click();
  await page.getByText(title).last().waitFor();

  await page.goto(`${admin.base}/console/#/r/core/staff`);
  await page.locator(`tr [data-col="custom.${code}"]`).filter({ hasText: '夜班' }).first().waitFor();
  await page.getByText('周二').first().waitFor();
  await choose(b, b.hook(`filter-custom.${code}`), '夜班');
  await page.keyboard.press('Escape');
  await page.getByText('周二').first().waitFor({ state: 'detached' });
  assert.equal(await b.hook('row').count(), 1);
  await page.reload();
  await page.getByText('林一').first().waitFor();
  assert.equal(await b.hook('row').count(), 1, 'the address keeps the filter');
  assert.deepEqual(await b.axe(), []);
  assert.equal(await page.evaluate(() => document.scrollingElement.scrollWidth <= innerWidth), true, 'nothing beside the screen');
  await shot('list');
  if (name === 'desk') await b.shot('console-custom-list');
  assert.deepEqual(b.problems, []);
}

for (const name of ['desk', 'phone'])
  test(`a field of the tenant's own is added, filled, listed and asked for, at the ${name}`, async () => {
    const b = await browse({ phone: name === 'phone' });
    try {
      await journey(b, name);
    } catch (e) {
      await b.page.screenshot({ path: path.join(out, `custom-${name}-failed.png`) });
      throw e;
    } finally {
      await b.close();
    }
  });
