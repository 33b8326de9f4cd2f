/* One cell of a table. A render function without state: a list of a hundred rows
 * makes more than a thousand of them. */
import { h } from 'vue'
import type { FunctionalComponent } from 'vue'
import { RouterLink } from 'vue-router'
import * as format from '../lib/format.ts'
import type { Field } from '../lib/schema.ts'
import { isRef, refTarget } from '../lib/schema.ts'
import { regionName } from '../lib/regions.ts'
import { t, tt } from '../i18n/index.ts'
import StateTag from '../components/StateTag.vue'
import { fileName, fileUrl, refId, refLabel, routeTo } from './record.ts'

const plain = (html: string) => new DOMParser().parseFromString(html, 'text/html').body.textContent ?? ''

export function textOf(f: Field, v: any): string {
    if (v === null || v === undefined || v === '') return ''
    if (isRef(f)) return refLabel(v)
    switch (f.type) {
        case 'int': return format.number(v)
        case 'money': return format.money(v)
        case 'percent': return format.percent(v)
        case 'bool': return t(v ? 'common.yes' : 'common.no')
        case 'date': return format.date(v)
        case 'datetime': return format.datetime(v)
        case 'enum':
        case 'state': {
            const o = f.options?.find((x) => x.value === v)
            return o ? tt(o.title) : String(v)
        }
        case 'decimal': return String(v)
        case 'address': return [regionName(v.region), v.text].filter(Boolean).join(' ')
        case 'region': return regionName(String(v))
        case 'point': return `${v.lng}, ${v.lat}`
        case 'polygon': return t('detail.corners', { n: Math.max(0, (v.coordinates?.[0]?.length ?? 1) - 1) })
        case 'refs': return (v as any[]).map(refLabel).join(t('common.listSeparator'))
        case 'images': case 'files': return (v as any[]).map(fileName).join(t('common.listSeparator'))
        case 'tags':
        case 'multi_enum':
            return (Array.isArray(v) ? v : [v])
                .map((x) => tt(f.options?.find((o) => o.value === x)?.title) || String(x))
                .join(t('common.listSeparator'))
        case 'richtext': return plain(v)
        case 'json':
            if (Array.isArray(v) && v.every((x) => typeof x !== 'object')) return v.join(t('common.listSeparator'))
            return typeof v === 'string' ? v : JSON.stringify(v)
        case 'image': case 'file': case 'video': return fileName(v)
        case 'children': return t('detail.rows', { n: Array.isArray(v) ? v.length : 0 })
        default: return String(v)
    }
}

/* Fingerprints and hashes are told apart by their ends; nobody reads them through. */
const LONG_HEX = /^[0-9a-f]{24,}$/i
const shorten = (hex: string) => `${hex.slice(0, 8)}…${hex.slice(-4)}`

export const isNumeric = (f: Field) => ['int', 'money', 'percent', 'decimal'].includes(f.type)

const CellValue: FunctionalComponent<{ field: Field; value: any; brief?: boolean }> = ({ field: f, value: v, brief }) => {
    const text = textOf(f, v)
    if (text === '') return h('span', { class: 'faint' }, t('common.none'))
    if (f.type === 'state' || (f.type === 'enum' && f.options?.find((o) => o.value === v)?.color))
        return h(StateTag, { text, color: f.options?.find((o) => o.value === v)?.color })
    if (f.type === 'image')
        return h('img', { class: 'thumb', src: fileUrl(v), alt: text, loading: 'lazy', width: 28, height: 28 })
    if (f.type === 'images')
        return h('span', { class: 'thumbs' }, (v as any[]).map((x) =>
            h('img', { class: 'thumb', src: fileUrl(x), alt: fileName(x), loading: 'lazy', width: 28, height: 28 })))
    if (f.type === 'files')
        return h('span', (v as any[]).flatMap((x, i) => [
            i ? t('common.listSeparator') : '',
            h('a', { href: fileUrl(x), target: '_blank', rel: 'noopener' }, fileName(x)),
        ]))
    if (f.type === 'refs')
        return h('span', (v as any[]).flatMap((x, i) => [
            i ? t('common.listSeparator') : '',
            h(RouterLink, { to: routeTo(f.to ?? '', refId(x)) }, () => refLabel(x)),
        ]))
    if (f.type === 'color')
        return h('span', { class: 'color-cell' }, [h('i', { class: 'swatch', style: { background: v } }), text])
    if (f.type === 'link')
        return h('a', { href: /^https?:/i.test(v) ? v : undefined, target: '_blank', rel: 'noopener noreferrer' }, text)
    if (f.type === 'file' || f.type === 'video')
        return h('a', { href: fileUrl(v), target: '_blank', rel: 'noopener' }, text)
    if (isRef(f) && refId(v)) return h(RouterLink, { to: routeTo(refTarget(f), refId(v)) }, () => text)
    if (f.type === 'text' && LONG_HEX.test(text))
        return h('span', { class: 'mono', title: brief ? text : undefined }, brief ? shorten(text) : text)
    if (f.type === 'json' || f.type === 'id') return h('span', { class: 'mono' }, text)
    return text
}
CellValue.props = { field: Object, value: null, brief: Boolean } as any

export default CellValue
