/* What roles may speak of, from the server, in the person's language. */
import * as api from '../lib/api.ts'
import { lang } from '../i18n/index.ts'
import type { CatalogPlugin } from './grants.ts'

let at = ''
let kept: Promise<CatalogPlugin[]> | null = null

/* Empty for who may not ask: names do then. */
export function catalog(): Promise<CatalogPlugin[]> {
    if (!kept || at !== lang.value) {
        at = lang.value
        kept = api.get('/api/core/grants/catalog').catch((e) => {
            kept = null
            if (e instanceof api.Problem && e.status === 403) return []
            throw e
        })
        /* Plugins come and go: for this page, not for ever. */
        setTimeout(() => (kept = null), 30_000)
    }
    return kept!
}
