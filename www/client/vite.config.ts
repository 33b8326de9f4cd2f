import { defineConfig, type Plugin } from 'vite';
import uniPlugin from '@dcloudio/vite-plugin-uni';

// The command line of uni-app reports to its maker's host at each build, with a
// hash of the machine's network address. It does not when CI is set.
process.env.CI ||= '1';

// The package is CommonJS: as an ES module's import its default is one level down.
const uni = ((uniPlugin as { default?: unknown }).default ?? uniPlugin) as () => Plugin[];

// Nothing may load from outside, and the framework does so in two places: shadow.css
// fetches pictures for a navigation bar's shadow (H5), and the mini-program's
// runtime fetches one three seconds after the start, from a host that it spells in
// character codes. Both are taken out, and with them the addresses in warnings'
// texts, so that the rule is simple: no host stands in a build but w3.org, the
// name of SVG. A build in which something is left fails.
function stripOutside(): Plugin {
  return {
    name: 'atrium:strip-outside',
    enforce: 'post',
    transform(code, id) {
      if (!/uni-mp-weixin\/dist\/.*\.js$/.test(id)) return null;
      return { code: code.replace(/^\s*preloadAsset\(\);$/m, ''), map: null };
    },
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type === 'chunk') {
          file.code = file.code
            .replace(/https:\/\/vuejs\.org\/error-reference\/#runtime-/g, 'vue#')
            .replace(/\[详情\]\(https:[^)]*\)/g, '');
          if (/preloadAssets|https?:\/\/(?!www\.w3\.org\/)\w/.test(file.code)) {
            this.error(`${file.fileName} names something outside`);
          }
        } else if (file.fileName.endsWith('.css')) {
          file.source = String(file.source)
            .replace(/@(-webkit-)?keyframes shadow-preload\s*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}/g, '')
            .replace(/body::?after\s*\{[^{}]*shadow-preload[^{}]*\}/g, '');
          if (/url\(\s*["']?(https?:)?\/\//.test(file.source)) {
            this.error(`${file.fileName} loads something from outside`);
          }
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
