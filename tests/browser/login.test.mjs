// Logging in by a browser: second factor, captcha, outer log-in, own page, sessions.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Atrium, Api, top } from '../lib/atrium.mjs';
import { browse } from '../lib/browser.mjs';
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
  await desk.hook('me-name').fill('系统管理员');
  await desk.hook('me-save').click();
  await desk.page.getByText('已保存').first().waitFor();
  await desk.hook('me-factor').click();
  await desk.hook('me-factor-password').fill(admin.password);
  await desk.hook('me-factor-go').click();
  secret = (await desk.hook('totp-secret').textContent()).trim();
  await clean(desk, 'me-enrol-desk');
  await desk.hook('me-factor-code').fill(totp(secret, -1));
  await desk.hook('me-factor-go').click();
  await desk.hook('recovery-codes').waitFor();
  assert.equal(await desk.page.locator('[data-test="recovery-codes"] li').count(), 10);
  await desk.hook('codes-kept').click();
  await clean(desk, 'me-desk');
});

test('A-3.1.1 the log-in asks for the second factor, on a phone too', async () => {
  await enter(phone, 'admin', admin.password);
  await phone.hook('login-step').waitFor();
  await clean(phone, 'login-step-phone');
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
