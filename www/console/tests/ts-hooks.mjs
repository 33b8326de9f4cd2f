import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transformWithOxc } from 'vite';

export async function load(url, context, next) {
    if (!url.endsWith('.ts')) return next(url, context);
    const source = await readFile(fileURLToPath(url), 'utf8');
    const { code } = await transformWithOxc(source, fileURLToPath(url), { sourcemap: false });
    return { format: 'module', source: code, shortCircuit: true };
}
