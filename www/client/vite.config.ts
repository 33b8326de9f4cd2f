import { defineConfig, type Plugin } from 'vite';
import uniPlugin from '@dcloudio/vite-plugin-uni';

// The command line of uni-app reports to its maker's host at each build, with a
// hash of the machine's network address. It does not when CI is set.
process.env.CI ||= '1';

// The package is CommonJS: as an ES module's import its default is one level down.
const uni = ((uniPlugin as { default?: unknown }).default ?? uniPlugin) as () => Plugin[];

// shadow.css of the framework fetches pictures for a navigation bar's shadow from
// an outside host. The client has no such bar; nothing may load from outside.
function stripOutside(): Plugin {
  return {
    name: 'atrium:strip-outside',
    enforce: 'post',
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type !== 'asset' || !file.fileName.endsWith('.css')) continue;
        file.source = String(file.source)
          .replace(/@(-webkit-)?keyframes shadow-preload\s*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}/g, '')
          .replace(/body::?after\s*\{[^{}]*shadow-preload[^{}]*\}/g, '');
        if (/url\(\s*["']?(https?:)?\/\//.test(file.source)) {
          this.error(`${file.fileName} loads something from outside`);
        }
      }
    },
  };
}

export default defineConfig({
  // Relative: the same files are served at / and at /t/<tenant>/.
  base: './',
  plugins: [uni(), stripOutside()],
  build: {
    target: ['es2020', 'chrome80', 'safari14'],
    assetsInlineLimit: 2048,
    chunkSizeWarningLimit: 400,
    // The polyfill would only serve browsers that cannot run the client anyway.
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: process.env.ATRIUM_DEV
      ? { '^(/t/[^/]+)?/(api|files)/': { target: process.env.ATRIUM_DEV, changeOrigin: false } }
      : undefined,
  },
});
