/* Writes the import map that lets plugin pages and the shell share one copy of
 * each library, and the CSP hash that lets the browser accept it.
 *
 * The map must be inline (browsers do not load external ones), so the strict
 * `script-src 'self'` needs its hash: the server reads it from csp.json. */
import { createHash } from 'node:crypto'
import type { Plugin } from 'vite'

/* entries: bare name -> source module of the entry. */
export function sharedModules(entries: Record<string, string>): Plugin {
    let dev = false
    let scriptText = ''
    return {
        name: 'atrium-shared-modules',
        configResolved(config) {
            dev = config.command === 'serve'
        },
        transformIndexHtml: {
            order: 'post',
            handler(html, ctx) {
                const imports: Record<string, string> = {}
                for (const [name, source] of Object.entries(entries)) {
                    if (dev) {
                        imports[name] = './' + source
                        continue
                    }
                    const chunk = Object.values(ctx.bundle ?? {}).find(
                        (c) => c.type === 'chunk' && c.isEntry && c.facadeModuleId?.endsWith('/' + source),
                    )
                    if (!chunk) throw new Error(`no bundle for the shared module ${name} (${source})`)
                    imports[name] = './' + chunk.fileName
                }
                scriptText = JSON.stringify({ imports })
                /* Before every module script: a map that comes later is ignored
                 * by older browsers. */
                return html.replace(/<head>/, `<head>\n    <script type="importmap">${scriptText}</script>`)
            },
        },
        generateBundle: {
            order: 'post',
            handler() {
                if (!scriptText) throw new Error('index.html was not written before csp.json')
                const hash = createHash('sha256').update(scriptText, 'utf8').digest('base64')
                this.emitFile({
                    type: 'asset',
                    fileName: 'csp.json',
                    source: JSON.stringify({ script_hashes: ['sha256-' + hash] }) + '\n',
                })
            },
        },
    }
}
