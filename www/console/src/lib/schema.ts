/* The schema of a resource as GET /api/console/schema/<plugin>/<resource> gives it. */
import type { Condition } from './condition.ts'

export interface Title {
    zh?: string
    en?: string
}

export interface Option {
    value: string
    title: Title
    color?: string
    /* Of a dictionary: no longer offered. */
    is_off?: boolean
}

export interface Rule {
    that: Condition
    message: Title
    fields: string[]
}

export interface Field {
    name: string
    type: string
    title: Title
    help?: Title | null
    required?: boolean
    read_only?: boolean
    hidden?: boolean
    min?: number
    max?: number
    scale?: number
    dictionary?: string
    computed?: boolean
    pattern?: string
    default?: any
    options?: Option[]
    to?: string
    of?: string
    by?: string
    accept?: string
    search?: boolean
    /* What comes is a mask; `reveal`: this person may see behind it. */
    masked?: boolean
    reveal?: boolean
    /* A filter takes the whole value or (false) none. */
    exact?: boolean
    after?: string
    visible_if?: Condition
    required_if?: Condition
    read_only_if?: Condition
    /* Of the tenant's own fields: what lists do with them. */
    filterable?: boolean
    listed?: boolean
    /* Children: the child's schema. */
    child?: Schema
}

export interface State {
    name: string
    title: Title
    color?: string
}

export interface Transition {
    name: string
    title: Title
    from: string[]
    to: string
    require?: string[]
    confirm?: boolean
    danger?: boolean
}

export interface Group {
    title: Title
    fields: string[]
}

export interface Schema {
    name: string
    title: Title
    label: string
    traits: string[]
    fields: Field[]
    rules?: Rule[]
    states?: State[]
    initial?: string
    transitions?: Transition[]
    views?: {
        list?: { columns?: string[] }
        form?: { groups?: Group[] }
        detail?: { facts?: string[]; related?: string[] }
    }
    sorts?: string[]
    filters?: string[]
}

export type Row = Record<string, any>

/* The columns every row has, so that views may name them. */
const TRAIT_FIELDS: Field[] = [
    { name: 'id', type: 'id', title: { zh: '编号', en: 'ID' } },
    { name: 'created_at', type: 'datetime', title: { zh: '创建时间', en: 'Created' } },
    { name: 'updated_at', type: 'datetime', title: { zh: '更新时间', en: 'Updated' } },
    { name: 'created_by', type: 'user', to: 'core.staff', title: { zh: '创建人', en: 'Created by' } },
    { name: 'owner', type: 'user', to: 'core.staff', title: { zh: '负责人', en: 'Owner' } },
    { name: 'dept', type: 'dept', to: 'core.dept', title: { zh: '部门', en: 'Department' } },
    { name: 'deleted_at', type: 'datetime', title: { zh: '删除时间', en: 'Deleted' } },
    { name: 'state', type: 'state', title: { zh: '状态', en: 'State' } },
]

/* What the engine keeps beside addresses and places, so that lists can ask for it. */
const PARTS: Record<string, Title> = {
    _region: { zh: '地区', en: 'region' }, _lng: { zh: '经度', en: 'longitude' }, _lat: { zh: '纬度', en: 'latitude' },
    _min_lng: { zh: '西界', en: 'west' }, _min_lat: { zh: '南界', en: 'south' },
    _max_lng: { zh: '东界', en: 'east' }, _max_lat: { zh: '北界', en: 'north' },
}
function partOf(schema: Schema, name: string): Field | undefined {
    const of = schema.fields.find((f) => ['address', 'point', 'polygon'].includes(f.type) && PARTS[name.slice(f.name.length)] && name.startsWith(f.name))
    if (!of) return undefined
    const end = PARTS[name.slice(of.name.length)]
    return {
        name, type: name.endsWith('_region') ? 'region' : 'decimal', scale: 6, read_only: true,
        title: { zh: `${of.title.zh ?? ''}${end.zh}`, en: `${of.title.en ?? ''} ${end.en}` },
    }
}

export function fieldOf(schema: Schema, name: string): Field | undefined {
    const own = schema.fields.find((f) => f.name === name) ?? partOf(schema, name)
    if (own) return own
    const trait = TRAIT_FIELDS.find((f) => f.name === name)
    if (trait?.type === 'state')
        return {
            ...trait,
            options: (schema.states ?? []).map((s) => ({ value: s.name, title: s.title, color: s.color })),
        }
    return trait
}

/* Fields that the tenant has added: custom.budget lies within `custom` on the wire. */
export const isOwn = (name: string) => name.startsWith('custom.')
/* "options.1.title" -> "options", "custom.budget" -> "custom.budget". */
export const topOf = (path: string) => path.split('.').slice(0, isOwn(path) ? 2 : 1).join('.')

const REFS = new Set(['ref', 'user', 'dept'])
const FILES = new Set(['image', 'file', 'video', 'images', 'files'])
const SETS = new Set(['multi_enum', 'tags', 'refs', 'images', 'files'])
export const isRef = (f: Field) => REFS.has(f.type)
export const isFile = (f: Field) => FILES.has(f.type)
/* Several values in one: lists ask for any of them. */
export const isSet = (f: Field) => SETS.has(f.type)

export function refTarget(f: Field): string {
    if (f.type === 'user') return f.to ?? 'core.staff'
    if (f.type === 'dept') return f.to ?? 'core.dept'
    return f.to ?? ''
}

/* "vote.poll" -> the API's path. */
export function resourcePath(resource: string): string {
    const dot = resource.indexOf('.')
    return `/api/${resource.slice(0, dot)}/${resource.slice(dot + 1)}`
}

export function columnsOf(schema: Schema): Field[] {
    const names = schema.views?.list?.columns ?? schema.fields.slice(0, 6).map((f) => f.name)
    const declared = names.map((n) => fieldOf(schema, n)).filter((f): f is Field => !!f && !f.hidden && f.type !== 'children')
    return [...declared, ...schema.fields.filter((f) => f.listed && !declared.includes(f))]
}

/* Sortable names, and the order a list starts with. `sorts` is cut to what this
 * person may read; the view is as it was written. */
export function sortsOf(schema: Schema): { names: Set<string>; first: string } {
    const all = (schema.sorts ?? []).filter((s) => fieldOf(schema, s.replace(/^-/, ''))?.exact === undefined)
    return { names: new Set(all.map((s) => s.replace(/^-/, ''))), first: all[0] ?? '' }
}

export function filtersOf(schema: Schema): Field[] {
    const declared = (schema.filters ?? []).map((n) => fieldOf(schema, n)).filter((f): f is Field => !!f && f.exact !== false)
    return [...declared, ...schema.fields.filter((f) => f.filterable)]
}

/* What must be asked to have expanded in order to show names rather than numbers:
 * references and files, also those of children ("options.picture"). */
export function expandOf(fields: Field[]): string {
    return fields
        .flatMap((f) => {
            if (isRef(f) || isFile(f) || f.type === 'refs') return [f.name]
            if (f.type !== 'children') return []
            const below = (f.child?.fields ?? []).filter((c) => c.name !== f.by && !c.hidden && (isRef(c) || isFile(c) || c.type === 'refs'))
            return [f.name, ...below.map((c) => `${f.name}.${c.name}`)]
        })
        .join(',')
}

/* What a row of this resource has beside its fields that refers to others. */
export function traitRefs(schema: Schema): Field[] {
    const names = ['created_by', ...(hasTrait(schema, 'owned') ? ['owner'] : []), ...(hasTrait(schema, 'dept') ? ['dept'] : [])]
    return names.map((n) => fieldOf(schema, n)!).filter((f) => !schema.fields.some((x) => x.name === f.name))
}

export const isSearchable = (schema: Schema) => schema.fields.some((f) => f.search)
export const hasTrait = (schema: Schema, t: string) => (schema.traits ?? []).includes(t)

/* Fields a form shows, by group; what no group names comes last in a group of
 * its own, so that a new field never disappears. */
export function groupsOf(schema: Schema): { title: Title | null; fields: Field[] }[] {
    const editable = schema.fields.filter((f) => !f.hidden && f.type !== 'sequence')
    const rest = new Set(editable.filter((f) => !f.read_only).map((f) => f.name))
    const groups: { title: Title | null; fields: Field[] }[] = []
    for (const g of schema.views?.form?.groups ?? []) {
        const fields = g.fields
            .map((n) => editable.find((f) => f.name === n))
            .filter((f): f is Field => !!f)
        fields.forEach((f) => rest.delete(f.name))
        if (fields.length) groups.push({ title: g.title, fields })
    }
    const left = editable.filter((f) => rest.has(f.name) && !isOwn(f.name))
    if (left.length) groups.push({ title: groups.length ? { zh: '其他', en: 'Other' } : null, fields: left })
    const own = editable.filter((f) => rest.has(f.name) && isOwn(f.name))
    if (own.length) groups.push({ title: { zh: '自定义字段', en: 'Custom fields' }, fields: own })
    return groups
}

/* Fields of a child that are edited in place: not the link to its parent, nor
 * the position, which is the order of the array. */
export function childFields(f: Field): Field[] {
    return (f.child?.fields ?? []).filter(
        (c) => c.name !== f.by && !c.hidden && !c.read_only && c.type !== 'children',
    )
}

/* Rows that nobody edits or deletes: they are only added to, or C alone writes them. */
export const fixedRows = (s: Schema): boolean => hasTrait(s, 'append_only') || hasTrait(s, 'managed')

/* False where a row needs what nobody may type: it is made elsewhere (a file by its
 * upload, a line of the log by what it tells of). */
export const isTyped = (s: Schema): boolean =>
    !fixedRows(s) &&
    !s.fields.some((f) => f.required && f.read_only && (f.default === undefined || f.default === null))
