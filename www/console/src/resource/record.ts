/* What a row or a file is called and where it lies, wherever one is shown. */
import { url } from '../lib/api.ts'
import type { Row, Schema } from '../lib/schema.ts'
import { tt } from '../i18n/index.ts'
import { resourcePath } from '../lib/schema.ts'

export function recordName(schema: Schema | null, row: Row | null | undefined): string {
    if (!row) return ''
    if (schema?.label === 'id') return `${tt(schema.title)} #${row.id}`
    const v = schema ? row[schema.label] : undefined
    const shown = v && typeof v === 'object' ? v.label : v
    return String(shown ?? row.label ?? row.name ?? row.title ?? row.id ?? '')
}

/* A reference as it comes: the id alone, or {id, label, ...} when expanded. */
export const refId = (v: any): string => (v && typeof v === 'object' ? String(v.id ?? '') : String(v ?? ''))
export const refLabel = (v: any): string =>
    v && typeof v === 'object' ? String(v.label ?? v.name ?? v.title ?? v.id ?? '') : v ? `#${v}` : ''

/* An uploaded file, likewise: the id, or an object with name, type and url. */
export function fileUrl(v: any): string {
    if (!v) return ''
    if (typeof v === 'object') {
        if (v.url) return url(v.url)
        if (!v.id) return ''
        return url(`/files/${v.id}/${encodeURIComponent(v.name ?? v.label ?? 'file')}`)
    }
    return url(`/files/${v}/file`)
}
export const fileName = (v: any): string => (v && typeof v === 'object' ? (v.name ?? v.label ?? String(v.id)) : String(v))

export function routeTo(resource: string, id: string) {
    const dot = resource.indexOf('.')
    return { name: 'detail', params: { plugin: resource.slice(0, dot), resource: resource.slice(dot + 1), id } }
}

export const rowPath = (resource: string, id: string) => `${resourcePath(resource)}/${id}`
