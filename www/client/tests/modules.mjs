/* The client's plain modules for tests, bundled once: they are TypeScript and share
 * state (the language), and nothing in them needs a browser. */
import { build } from 'esbuild';

const root = new URL('..', import.meta.url).pathname;

const entry = `
  export * from './src/lib/api';
  export * from './src/lib/base';
  export * from './src/lib/cookies';
  export * from './src/lib/format';
  export * from './src/lib/i18n';
  export * from './src/lib/richtext';
  export * from './src/poll/ballot';
  export * from './src/poll/live';
  export * from './src/poll/results';
  export { default as zh } from './src/i18n/zh';
  export { default as en } from './src/i18n/en';
`;

const { outputFiles } = await build({
  stdin: { contents: entry, resolveDir: root, loader: 'ts' },
  bundle: true,
  format: 'esm',
  platform: 'browser',
  write: false,
  define: { 'import.meta.env.VITE_API_BASE': '""', 'process.env.NODE_ENV': '"production"' },
  logLevel: 'error',
});

const source = Buffer.from(outputFiles[0].contents).toString('base64');
export default await import(`data:text/javascript;base64,${source}`);
