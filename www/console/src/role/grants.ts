/* The document of a role, as the matrix shows and changes it. Pure. */
export type Grant = Record<string, any>
export type Grants = Record<string, any>

export interface Named {
    name: string
    title: string
}
export interface CatalogField extends Named {
    masked?: boolean
}
export interface CatalogResource extends Named {
    actions: string[]
    scopes: Named[]
    transitions: Named[]
    fields: CatalogField[]
    /* Its rows may be a partner's. */
    partner?: boolean
}
export interface CatalogMenu {
    id: string
    parent: string | null
    title: string
}
export interface CatalogPlugin {
    plugin: string
    title: string
    resources: CatalogResource[]
    menus: CatalogMenu[]
}

export const ROW_ACTIONS = ['read', 'update', 'delete'] as const
export const ACTIONS = ['read', 'create', 'update', 'delete', 'export', 'import'] as const
export type Action = (typeof ACTIONS)[number]
export const MARKS = ['hidden', 'masked', 'unmasked', 'read_only'] as const
const MENU_KEYS = ['menus', 'hide_menus']

export const isRowAction = (a: string): boolean => (ROW_ACTIONS as readonly string[]).includes(a)
const isEmpty = (v: any): boolean =>
    v === undefined || v === null || v === false || (Array.isArray(v) && !v.length) ||
    (typeof v === 'object' && !Array.isArray(v) && !Object.keys(v).length)

const plain = (name: string): Named => ({ name, title: name })

/* What a role speaks of and the catalog does not: of a plugin that is off or gone, or
 * everything, to somebody who may not read the catalog. It stays as it is. */
function stranger(name: string, g: Grant): CatalogResource {
    const scopes = new Set(ROW_ACTIONS.flatMap((a) => (g?.[a] ?? []) as string[]))
    return {
        name, title: name, actions: [...ACTIONS], scopes: [...scopes].map(plain), transitions: (g?.do ?? []).map(plain),
        fields: Object.keys(g?.fields ?? {}).map(plain), partner: !g?.partners,
    }
}

export function groupsOf(catalog: CatalogPlugin[], doc: Grants, otherTitle: string): CatalogPlugin[] {
    const known = new Set(catalog.flatMap((p) => p.resources.map((r) => r.name)))
    const strange = Object.keys(doc).filter((k) => !MENU_KEYS.includes(k) && !known.has(k)).sort()
    const groups = catalog.filter((p) => p.resources.length)
    if (!strange.length) return groups
    return [...groups, { plugin: '', title: otherTitle, resources: strange.map((n) => stranger(n, doc[n])), menus: [] }]
}

/* One word of one resource; what says nothing is not kept, and departments only while
 * some scope asks for them. */
export function setKey(doc: Grants, resource: string, key: string, value: any): Grants {
    const g: Grant = { ...doc[resource] }
    if (isEmpty(value)) delete g[key]
    else g[key] = value
    if (!usesDepts(g)) {
        delete g.depts
        delete g.below
    }
    const out = { ...doc }
    if (Object.keys(g).length) out[resource] = g
    else delete out[resource]
    return out
}

export const usesDepts = (g: Grant | undefined): boolean => ROW_ACTIONS.some((a) => g?.[a]?.includes('custom'))

/* "all" stands alone; to take anything else takes "all" away. */
export function toggleScope(scopes: string[] | undefined, name: string, on: boolean): string[] {
    const rest = (scopes ?? []).filter((s) => s !== name && s !== 'all')
    if (!on) return rest
    return name === 'all' ? ['all'] : [...rest, name]
}

/* The same for transitions: without "all" each stands for itself. */
export function toggleTransition(doing: string[] | undefined, name: string, on: boolean, every: string[]): string[] {
    if (name === 'all') return on ? ['all'] : []
    const now = doing?.includes('all') ? every : (doing ?? [])
    return on ? [...now, name] : now.filter((n) => n !== name)
}

const ordered = (v: any): any =>
    Array.isArray(v) ? [...v].map(String).sort()
        : v && typeof v === 'object' ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, x]) => [k, ordered(x)]))
            : v
const same = (a: any, b: any): boolean =>
    (isEmpty(a) && isEmpty(b)) || JSON.stringify(ordered(a)) === JSON.stringify(ordered(b))

/* The words of a resource that are not as they were. */
export function changedKeys(doc: Grants, base: Grants, resource: string): Set<string> {
    const now = doc[resource] ?? {}, was = base[resource] ?? {}
    return new Set([...new Set([...Object.keys(now), ...Object.keys(was)])].filter((k) => !same(now[k], was[k])))
}

export function changeCount(doc: Grants, base: Grants): number {
    const names = new Set([...Object.keys(doc), ...Object.keys(base)])
    let n = 0
    for (const name of names)
        n += MENU_KEYS.includes(name) ? Number(!same(doc[name], base[name])) : changedKeys(doc, base, name).size
    return n
}

/* "grants.vote.poll.read": complaints by resource and word; the rest by its own name. */
export function complaintsOf(errors: Record<string, string>, field = 'grants'): Record<string, Record<string, string>> {
    const out: Record<string, Record<string, string>> = {}
    for (const [path, text] of Object.entries(errors)) {
        const parts = path.split('.')
        if (parts[0] !== field || parts.length === 1) continue
        const at = MENU_KEYS.includes(parts[1]) ? parts[1] : parts.slice(1, 3).join('.')
        const key = MENU_KEYS.includes(parts[1]) ? '' : parts.slice(3).join('.')
        ;(out[at] ??= {})[key] = text
    }
    return out
}

/* ---- menus ------------------------------------------------------------------------------ */

export interface MenuRow extends CatalogMenu {
    depth: number
}

/* All menus in the order of the tree; one whose parent nobody knows stands at the top. */
export function menuRows(menus: CatalogMenu[]): MenuRow[] {
    const ids = new Set(menus.map((m) => m.id))
    const below = (parent: string | null, depth: number): MenuRow[] =>
        menus
            .filter((m) => (m.parent && ids.has(m.parent) ? m.parent : null) === parent)
            .flatMap((m) => [{ ...m, depth }, ...below(m.id, depth + 1)])
    return below(null, 0)
}

function descendants(menus: CatalogMenu[], id: string): string[] {
    return menus.filter((m) => m.parent === id).flatMap((m) => [m.id, ...descendants(menus, m.id)])
}
function ancestors(menus: CatalogMenu[], id: string): string[] {
    const parent = menus.find((m) => m.id === id)?.parent
    return parent ? [parent, ...ancestors(menus, parent)] : []
}

/* A group with all in it; an entry that is shown needs the groups it lies in. */
export function tickMenu(menus: CatalogMenu[], list: string[], id: string, on: boolean, shows: boolean): string[] {
    const with_ = [id, ...descendants(menus, id)]
    const rest = list.filter((x) => !with_.includes(x))
    if (!on) return rest.filter((x) => shows || !ancestors(menus, id).includes(x))
    return [...new Set([...rest, ...(shows ? ancestors(menus, id) : []), ...with_])]
}

export type MenuMode = 'any' | 'pick' | 'hide'
export const menuModeOf = (doc: Grants): MenuMode => (doc.menus ? 'pick' : doc.hide_menus ? 'hide' : 'any')

export function setMenus(doc: Grants, mode: MenuMode, list: string[]): Grants {
    const { menus: _m, hide_menus: _h, ...rest } = doc
    if (mode === 'pick') return { ...rest, menus: list }
    return mode === 'hide' ? { ...rest, hide_menus: list } : rest
}
