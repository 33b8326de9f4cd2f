// Logging in by a browser: second factor, captcha, outer log-in, own page, sessions.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Atrium, Api, top } from '../lib/atrium.mjs';
import { browse, shots } from '../lib/browser.mjs';
import { captchaAnswer, sql } from '../lib/secrets.mjs';
import { totp } from '../lib/totp.mjs';
import { oidcStand } from '../stands/oidc.mjs';

const out = path.join(top, 'tests/out');
mkdirSync(out, { recursive: true });
let atrium, admin, desk, phone, idp;
before(async () => {
  idp = await oidcStand();
  atrium = await Atrium.start({ settings: 'outer_login:\n  allow_private: true\n  allow_http: true\n' });
  admin = await atrium.tenant('demo');
  const made = await admin.post('/api/core/login_provider', { code: 'corp', name: '统一身份', kind: 'oidc', enabled: true, issuer: idp.issuer, client_id: idp.clientId });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  await admin.post('/api/auth/outer/corp/secret', { secret: idp.secret });
  [desk, phone] = await Promise.all([browse(), browse({ phone: true })]);
});
after(async () => { await desk?.close(); await phone?.close(); await atrium?.stop(); await idp?.stop(); });

const home = () => `${admin.base}/console/`;
const shot = (b, name) => b.page.screenshot({ path: path.join(out, `${name}.png`), fullPage: true });
/** For the guide: what matters of the page. */
const part = (at) => ({ shot: (name) => at.screenshot({ path: path.join(shots, `${name}.png`) }) });
async function clean(b, name) { await shot(b, name); assert.deepEqual(await b.axe(), [], name); }
async function enter(b, login, password) {
  await b.page.goto(home());
  await b.hook('login-user').fill(login);
  await b.hook('login-password').fill(password);
  await b.hook('login-submit').click();
}
let secret;

test('A-2.4.1b A-3.1.1 own page: profile, second factor with its QR code and recovery codes', async () => {
  await enter(desk, 'admin', admin.password);
  await desk.hook('user-menu').click();
  await desk.hook('to-me').click();
  await desk.hook('me-name').waitFor();
  await desk.hook('to-me').waitFor({ state: 'hidden' });
  await desk.hook('me-name').fill('系统管理员');
  await desk.hook('me-save').click();
  await desk.page.getByText('已保存').first().waitFor();
  await desk.hook('me-factor').click();
  await desk.hook('me-factor-password').fill(admin.password);
  await desk.hook('me-factor-go').click();
  secret = (await desk.hook('totp-secret').textContent()).trim();
  await clean(desk, 'me-enrol-desk');
  await part(desk.page.locator('form:has([data-test="totp-qr"])')).shot('account-totp');
  await desk.hook('me-factor-code').fill(totp(secret, -1));
  await desk.hook('me-factor-go').click();
  await desk.hook('recovery-codes').waitFor();
  await part(desk.page.locator('section:has([data-test="recovery-codes"])')).shot('account-codes');
  assert.equal(await desk.page.locator('[data-test="recovery-codes"] li').count(), 10);
  await desk.hook('codes-kept').click();
  await clean(desk, 'me-desk');
  await part(desk.page.locator('section:has([data-test="me-rebind"])')).shot('account-me');
});

test('A-3.1.1 the log-in asks for the second factor, on a phone too', async () => {
  await enter(phone, 'admin', admin.password);
  await phone.hook('login-step').waitFor();
  await clean(phone, 'login-step-phone');
  await part(phone.hook('login-step')).shot('account-step');
  await phone.hook('login-step-value').fill('000000');
  await phone.hook('login-step-submit').click();
  await phone.hook('login-step-error').waitFor();
  await phone.hook('login-step-value').fill(totp(secret));
  await phone.hook('login-step-submit').click();
  await phone.hook('user-menu').waitFor();
  await phone.page.goto(`${home()}#/me`);
  await phone.hook('session-row').first().waitFor();
  await clean(phone, 'me-phone');
});

test('sessions: the other one is ended and is out at once', async () => {
  await desk.page.goto(`${home()}#/sessions`);
  await desk.hook('session-row').first().waitFor();
  await clean(desk, 'sessions-desk');
  await part(desk.page.locator('.page')).shot('account-sessions');
  await desk.page.goto(`${home()}#/me`);
  const rows = desk.hook('session-row');
  await rows.first().waitFor();
  await rows.filter({ hasText: 'Linux' }).locator('[data-test="session-end"]').first().click();
  await desk.page.getByRole('dialog').getByRole('button', { name: '下线' }).click();
  await desk.page.getByText('已下线').first().waitFor();
});

test('security page and its rules', async () => {
  await desk.page.goto(`${home()}#/security`);
  await desk.hook('security-rules').waitFor();
  await clean(desk, 'security-desk');
  await desk.hook('security-rules').click();
  await desk.hook('settings-save').waitFor();
  await desk.page.waitForTimeout(400);
  await shot(desk, 'security-rules-desk');
  await part(desk.page.locator('.el-drawer, .el-dialog').last()).shot('account-rules');
});

test('E-P72 B-45 devices waiting for approval, and the operation log as the auditor sees it', async () => {
  const made = await admin.post('/api/core/staff', { login: 'erin', name: '艾琳' });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const { password } = (await admin.post(`/api/auth/staff/${made.body.id}/password`)).body;
  assert.equal((await admin.patch('/api/core/plugins/core/settings', { devices: 'all' })).status, 200);
  try {
    const r = await new Api(admin.base).post('/api/auth/login', { login: 'erin', password },
      { 'x-atrium-client': 'app', 'x-atrium-device': 'phone-of-erin', 'user-agent': 'FieldApp/2.1 (Android 15)' });
    assert.equal(r.body.code, 'auth.device_pending', JSON.stringify(r.body));
    // the console itself still lets a browser in, by its cookie
    const b = await browse();
    try {
      await enter(b, 'erin', password);
      await b.hook('user-menu').waitFor();
      assert.equal(await b.page.evaluate(() => document.cookie.includes('atrium_s')), false, 'no script sees it');
    } finally { await b.close(); }
  } finally { await admin.patch('/api/core/plugins/core/settings', { devices: null }); }
  await desk.page.goto(`${home()}#/r/core/device`);
  await desk.page.getByText('FieldApp').first().waitFor();
  await clean(desk, 'devices-desk');
  await part(desk.page.locator('.page .panel').first()).shot('account-devices');
  await desk.page.goto(`${home()}#/r/core/audit`);
  await desk.page.getByText('device_register').first().waitFor();
  await clean(desk, 'audit-desk');
  await part(desk.page.locator('.page')).shot('account-audit');
  await desk.page.setViewportSize({ width: 390, height: 844 });
  await desk.page.waitForTimeout(300);
  await clean(desk, 'audit-narrow');
  await desk.page.setViewportSize({ width: 1440, height: 900 });
});

test('A-3.1.1 a captcha appears after failures and lets the right one in', async () => {
  const made = await atrium.operator('POST', '/operator/tenants/demo/users', { login: 'carol', name: '卡罗' });
  const b = await browse();
  try {
    for (let i = 0; i < 3; i++) {
      await enter(b, 'carol', 'Wrong-one-1');
      await b.hook('login-error').waitFor();
    }
    await b.hook('captcha-image').waitFor();
    await clean(b, 'captcha-desk');
    await part(b.page.locator('form').first()).shot('account-captcha');
    const id = await b.hook('captcha-image').getAttribute('data-id');
    await b.hook('login-password').fill(made.body.password);
    await b.hook('login-captcha').fill(captchaAnswer(atrium, 'demo', id));
    await b.hook('login-submit').click();
    await b.hook('user-menu').waitFor();
  } finally { await b.close(); }
});

test('E-3.2g outer log-in: linked on the own page, then a round trip', async () => {
  const [[db]] = sql(atrium, "SELECT db_name FROM tenant WHERE slug = 'demo'");
  sql(atrium, 'DELETE FROM core_lockout', db);
  const made = await atrium.operator('POST', '/operator/tenants/demo/users', { login: 'dave', name: '戴夫' });
  const b = await browse();
  try {
    await enter(b, 'dave', made.body.password);
    await b.hook('user-menu').waitFor();
    await b.page.goto(`${home()}#/me`);
    await b.hook('me-link-corp').click();
    await b.page.getByText('已绑定').first().waitFor();
    await b.context.clearCookies();
    await b.page.goto('about:blank');
    await b.page.goto(home());
    await b.hook('outer-corp').waitFor();
    await clean(b, 'login-outer-desk');
    await b.hook('outer-corp').click();
    await b.hook('user-menu').waitFor();
    assert.match(await b.hook('user-menu').textContent(), /戴夫/);
  } finally { await b.close(); }
});
