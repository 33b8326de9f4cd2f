/* The path of a build, made first when it is missing or older than its sources. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(new URL('..', import.meta.url).pathname);

function newest(folder) {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((at, entry) => Math.max(at, statSync(path.join(entry.path ?? entry.parentPath, entry.name)).mtimeMs), 0);
}

/** target: "h5" or "mp-weixin". */
export function built(target) {
  const folder = path.join(root, 'dist/build', target);
  const mark = path.join(folder, target === 'h5' ? 'index.html' : 'app.json');
  const configured = ['vite.config.ts', 'index.html', 'package-lock.json', '.env'];
  const changed = Math.max(newest('src'), ...configured.map((f) => statSync(path.join(root, f)).mtimeMs));
  if (!existsSync(mark) || statSync(mark).mtimeMs < changed) {
    execFileSync('npm', ['run', '--silent', `build:${target}`], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  return folder;
}
