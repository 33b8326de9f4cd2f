// Every type of field in the console's generic form, on a desk and on a phone: typed in,
// saved, shown again, told where it is wrong.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Atrium, top } from '../lib/atrium.mjs';
import { browse } from '../lib/browser.mjs';
import { picture } from '../lib/picture.mjs';

const out = path.join(top, 'tests/out');
let atrium, admin, place, file;

before(async () => {
  mkdirSync(out, { recursive: true });
  atrium = await Atrium.start({ settings: `plugin_dirs: [${path.join(top, 'tests/plugins')}]\n` });
  admin = await atrium.tenant('demo', { plugins: ['kit'] });
  place = (await admin.post('/api/kit/place', { name: '一号楼' })).body.id;
  await admin.post('/api/core/dictionary', { code: 'kit.source', name: '来源', items: [{ code: 'web', title: '网站' }, { code: 'walk', title: '到访' }] });
  await admin.post('/api/core/dictionary', { code: 'kit.trait', name: '特点', items: [{ code: 'near', title: '近地铁' }, { code: 'quiet', title: '安静' }] });
  file = path.join(atrium.state, 'a.png');
  writeFileSync(file, picture(600, 400, [30, 120, 110]));
});
after(() => atrium?.stop());

async function login(b) {
  await b.page.goto(`${admin.base}/console/`);
  await b.hook('login-user').locator('input').or(b.hook('login-user')).last().fill('admin');
  await b.hook('login-password').locator('input').or(b.hook('login-password')).last().fill(admin.password);
  await b.hook('login-submit').click();
  await b.page.waitForURL(/#\/(?!login)/);
}

/** Fills the whole form; resolves what the server should have kept. */
async function fillAll(b, n) {
  const { page } = b;
  const field = (name) => b.hook(`form-field-${name}`);
  const type = (name, value, nth = 0) => field(name).locator('input:not([type=hidden]):not([type=file]), textarea, [contenteditable=true]').nth(nth).fill(value);
  const choose = async (name, text) => {
    await field(name).locator('.el-select, .el-cascader').first().click();
    await page.locator('.el-select-dropdown__item:visible, .el-cascader-node__label:visible').filter({ hasText: text }).first().click();
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => ![...document.querySelectorAll('.el-select-dropdown')].some((x) => x.checkVisibility()));
  };
  const pick = async (name, value) => { await type(name, value); await page.keyboard.press('Enter'); await page.keyboard.press('Escape'); };
  await type('name', `全部字段 ${n}`);
  await type('note', '第一行\n第二行');
  await type('story', '正文');
  await type('count', '12');
  await type('price', '3.35');
  await type('discount', '12.5');
  await type('area', '150.5');
  await type('weight', `1.${n}`);
  await pick('opens', '08:30:00');
  await pick('closes', '18:00:00');
  await type('id_number', ['110101199003070134', '11010519491231002x'][n]);
  await type('phone', ['+86 138-0013-8000', '139 0013 9000'][n]);
  await type('email', 'a@example.cn');
  await type('site', 'https://example.cn/');
  await field('grade').locator('.el-select').click();
  await b.hook('option-grade-a').locator('visible=true').click();
  await field('uses').getByText('家用').click();
  await choose('source', '网站');
  await field('traits').getByText('近地铁').click();
  const words = field('words').locator('input').first();
  for (const word of ['红', '蓝']) {
    await words.fill(word);
    await words.press('Enter');
    await field('words').locator('.el-tag').filter({ hasText: word }).waitFor();
  }
  await page.keyboard.press('Escape');
  await field('address').locator('.el-select').click();
  await field('address').locator('.el-select input').fill('深圳');
  await page.locator('.el-select-dropdown__item:visible').filter({ hasText: '深圳市' }).first().click();
  await field('address').locator('input[maxlength="200"]').fill('科技园路 1 号');
  await field('address').getByPlaceholder('经度').fill('113.94');
  await field('address').getByPlaceholder('纬度').fill('22.54');
  await field('spot').getByPlaceholder('经度').fill('114.06');
  await field('spot').getByPlaceholder('纬度').fill('22.55');
  await type('ground', JSON.stringify({ type: 'Polygon', coordinates: [[[114, 22], [115, 22], [115, 23], [114, 22]]] }));
  await field('picture').locator('input[type=file]').setInputFiles(file);
  await field('picture').locator('img').waitFor();
  for (let i = 0; i < 2; i++) {
    await field('pictures').locator('input[type=file]').last().setInputFiles(file);
    await field('pictures').locator('img').nth(i).waitFor();
  }
  await field('papers').locator('input[type=file]').last().setInputFiles(file);
  await field('papers').locator('a').first().waitFor();
  await type('extra', '{"size": 3}');
  await choose('place', '一号楼');
  await choose('places', '一号楼');
  await field('places').locator('.el-tag').waitFor();
  await pick('ends_on', new Date(Date.now() + 5 * 86400_000).toISOString().slice(0, 10));
  await type('low', '1.5');
  await type('high', '1.25');
  await b.hook('child-add').first().click();
  const child = (name) => b.hook(`child-0-${name}`).locator('input').first();
  await child('name').fill('桌腿');
  await child('length').fill('0.75');
  await child('price').fill('2');
}

async function wholeForm(b, n, name) {
  const { page } = b;
  await login(b);
  await page.goto(`${admin.base}/console/#/r/kit/thing/new`);
  await b.hook('form-save').waitFor();
  await fillAll(b, n);
  assert.deepEqual(await b.axe(), []);
  assert.equal(await page.evaluate(() => document.scrollingElement.scrollWidth <= innerWidth), true, 'nothing beside the screen');
  await b.hook('form-save').click();
  await b.hook('error-low').waitFor();
  assert.match(await b.hook('error-high').innerText(), /最低不能高于最高/);
  await page.screenshot({ path: path.join(out, `kit-${name}-rule.png`) });
  await b.hook('form-field-high').locator('input').fill('9.5');
  for (const [i, part] of ['top', 'middle', 'bottom'].entries()) {
    await page.evaluate((at) => { const main = [...document.querySelectorAll('*')].find((x) => x.scrollHeight > x.clientHeight + 200 && getComputedStyle(x).overflowY !== 'visible'); main?.scrollTo(0, main.scrollHeight * at / 3); }, i);
    await page.screenshot({ path: path.join(out, `kit-${name}-${part}.png`) });
  }
  await b.hook('form-save').click();
  await page.waitForURL(/kit\/thing\/\d+$/);
  const id = page.url().match(/\d+$/)[0];
  const row = (await admin.get(`/api/kit/thing/${id}`)).body;
  assert.equal(row.area, '150.50');
  assert.equal(row.opens, '08:30:00');
  assert.equal(row.id_number, ['110101199003070134', '11010519491231002X'][n]);
  assert.equal(row.phone, ['13800138000', '13900139000'][n]);
  assert.deepEqual(row.address, { region: '440300', text: '科技园路 1 号', point: { lng: 113.94, lat: 22.54 } });
  assert.deepEqual(row.spot, { lng: 114.06, lat: 22.55 });
  assert.equal(row.ground.type, 'Polygon');
  assert.deepEqual(row.words, ['红', '蓝']);
  assert.deepEqual(row.uses, ['home']);
  assert.deepEqual([row.source, row.traits, row.grade], ['web', ['near'], 'a']);
  assert.deepEqual([row.place, row.places], [place, [place]]);
  assert.equal(row.pictures.length, 2);
  assert.equal(row.papers.length, 1);
  assert.deepEqual(row.extra, { size: 3 });
  assert.equal(row.total, 50418, '3.35 * 150.5 = 504.175');
  assert.equal(row.parts[0].cost, 150);
  assert.equal(row.made_on, new Date(Date.now() + 8 * 3600_000).toISOString().slice(0, 10));
  await page.getByText('科技园路 1 号').first().waitFor();
  assert.ok(await page.getByText('广东省 深圳市').count());
  assert.ok(await page.getByText('150.50').count());
  assert.deepEqual(await b.axe(), []);
  await page.screenshot({ path: path.join(out, `kit-${name}-detail.png`) });

  // The same form again, as it is: nothing to save.
  await page.goto(`${admin.base}/console/#/r/kit/thing/${id}/edit`);
  await b.hook('form-save').waitFor();
  await b.hook('form-field-words').getByText('蓝').waitFor();
  await b.hook('form-field-places').getByText('一号楼').waitFor();
  await b.hook('form-save').click();
  await page.getByText('没有需要保存的修改').waitFor();
  assert.deepEqual(b.problems.filter((p) => !/422/.test(p)), []);
}

for (const [n, name] of ['desk', 'phone'].entries())
  test(`every type of field is typed in, kept and shown, at the ${name}`, async () => {
    const b = await browse({ phone: name === 'phone' });
    try {
      await wholeForm(b, n, name);
    } catch (e) {
      await b.page.screenshot({ path: path.join(out, `kit-${name}-failed.png`) });
      throw e;
    } finally {
      await b.close();
    }
  });

test('E-P70 the filter bar asks for sets, regions and decimals', async () => {
  const b = await browse();
  try {
    await login(b);
    await b.page.goto(`${admin.base}/console/#/r/kit/thing`);
    await b.hook('filter-words').locator('input').first().fill('红');
    await b.page.waitForURL(/f\.words/);
    await b.page.getByText('全部字段 0').first().waitFor();
    await b.hook('filter-words').locator('input').first().fill('绿');
    await b.page.getByText('全部字段 0').first().waitFor({ state: 'detached' });
    await b.hook('filters-clear').click();
    await b.hook('filter-area').locator('input').first().fill('150.51');
    await b.page.waitForURL(/f\.area/);
    await b.page.getByText('全部字段 0').first().waitFor({ state: 'detached' });
    await b.hook('filters-clear').click();
    await b.page.getByText('全部字段 0').first().waitFor();
    assert.deepEqual(await b.axe(), []);
    await b.page.screenshot({ path: path.join(out, 'kit-list.png') });
    assert.deepEqual(b.problems, []);
  } finally {
    await b.close();
  }
});
