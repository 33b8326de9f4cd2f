import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import { sharedModules } from './build/import-map.ts'

/* What plugin pages may import by bare name, see README.md. */
const shared = {
    vue: 'src/vendor/vue.ts',
    'element-plus': 'src/vendor/element-plus.ts',
    '@atrium/shell': 'src/sdk/index.ts',
}

const path = (p: string) => fileURLToPath(new URL(p, import.meta.url))

export default defineConfig(({ command }) => ({
    /* Relative, because the same build is served at /console/ and at
     * /t/<tenant>/console/. `npm run dev` sits at /console/ and passes the rest
     * on to a running server. */
    base: command === 'build' ? './' : '/console/',
    plugins: [vue(), sharedModules(shared)],
    define: {
        __VUE_OPTIONS_API__: true,
        __VUE_PROD_DEVTOOLS__: false,
        __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: false,
        __VUE_I18N_FULL_INSTALL__: false,
        __VUE_I18N_LEGACY_API__: false,
        __INTLIFY_PROD_DEVTOOLS__: false,
    },
    server: {
        proxy: {
            '^/(api|files|plugins)/': process.env.ATRIUM_URL ?? 'http://127.0.0.1:8080',
        },
    },
    build: {
        target: 'es2022',
        /* data: addresses would need a wider CSP. */
        assetsInlineLimit: 0,
        chunkSizeWarningLimit: 700,
        reportCompressedSize: false,
        rolldownOptions: {
            input: {
                index: path('index.html'),
                ...Object.fromEntries(
                    Object.entries(shared).map(([name, source]) => [
                        'shared-' + name.replace(/[^a-z]+/g, '-').replace(/^-/, ''),
                        path(source),
                    ]),
                ),
            },
            /* Plugins rely on the entries' names: they must survive bundling. */
            preserveEntrySignatures: 'strict',
        },
    },
}))
