// docs/errors.md is what the sources say.
import { test } from 'node:test';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { top } from '../lib/atrium.mjs';

test('B-38 every error code is told in both languages', () => {
  execFileSync(path.join(top, 'tools/errors-doc'), ['--check'], { stdio: ['ignore', 'inherit', 'inherit'] });
});
