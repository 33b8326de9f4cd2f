// Debian's Chromium by playwright-core, one profile directory per browser.
import { chromium } from 'playwright-core';
import { mkdtempSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createRequire } from 'node:module';
import { top } from './atrium.mjs';

const require = createRequire(import.meta.url);
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const args = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--force-prefers-reduced-motion'];

/** Screens that the guides show; written by the test run. */
export const shots = path.join(top, 'docs/images');
mkdirSync(shots, { recursive: true });

export async function browse({ phone = false, lang = 'zh-CN' } = {}) {
  const dir = mkdtempSync(path.join(tmpdir(), 'atrium-chromium-'));
  const context = await chromium.launchPersistentContext(dir, {
    executablePath: '/usr/bin/chromium', headless: true, chromiumSandbox: false, args, locale: lang,
    timezoneId: 'Asia/Shanghai', acceptDownloads: true,
    viewport: phone ? { width: 390, height: 844 } : { width: 1440, height: 900 },
    ...(phone ? { isMobile: true, hasTouch: true, deviceScaleFactor: 2 } : {}),
  });
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(10_000);
  const problems = [];
  page.on('console', (m) => { if (m.type() === 'error') problems.push(m.text()); });
  page.on('pageerror', (e) => problems.push(String(e)));
  const outside = [];
  page.on('request', (r) => { const h = new URL(r.url()); if (/^https?:$/.test(h.protocol) && h.hostname !== '127.0.0.1') outside.push(r.url()); });
  return {
    context, page, problems, outside,
    hook: (name) => page.locator(`[data-test="${name}"]`),
    async shot(name) { await page.screenshot({ path: path.join(shots, `${name}.png`) }); },
    /** Serious and critical findings of axe-core. */
    async axe() {
      // What fades in has less contrast on its way than where it arrives.
      await page.evaluate(() => Promise.race([
        Promise.all(document.getAnimations().filter((a) => a.effect?.getTiming().iterations !== Infinity).map((a) => a.finished.catch(() => {}))),
        new Promise((ok) => setTimeout(ok, 2000))]));
      // By the debugger, so that the page's content policy stays as it is.
      await page.evaluate(axeSource);
      const r = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
      return r.violations.filter((v) => ['serious', 'critical'].includes(v.impact))
        .map((v) => `${v.id}: ${v.nodes.length} x ${v.nodes[0].html.slice(0, 160)}`);
    },
    async close() { await context.close(); rmSync(dir, { recursive: true, force: true }); },
  };
}
