/* The sidebar's tree, from the menus the server lets this person see. */
import type { RouteLocationRaw } from 'vue-router'
import type { Bootstrap, Menu } from '../stores/session.ts'

export interface MenuNode {
    id: string
    title: Menu['title']
    icon: string
    to: RouteLocationRaw | null
    children: MenuNode[]
}

/* Pages that the console itself has, by the ids that core's manifest uses. */
const OWN_PAGES = new Set(['approvals', 'calendar', 'org', 'plugins', 'seats', 'sessions', 'security'])

function target(m: Menu, boot: Bootstrap): RouteLocationRaw | null {
    if (m.resource) {
        const dot = m.resource.indexOf('.')
        return { name: 'list', params: { plugin: m.resource.slice(0, dot), resource: m.resource.slice(dot + 1) } }
    }
    if (!m.page) return null
    if (m.plugin === 'core') return OWN_PAGES.has(m.page) ? { name: m.page } : null
    return boot.pages.some((p) => p.plugin === m.plugin && p.id === m.page)
        ? { name: 'page', params: { plugin: m.plugin, page: m.page } }
        : null
}

/* Menus without a target and without children are left out: a group of which this
 * person may see nothing. */
export function menuTree(boot: Bootstrap): MenuNode[] {
    const sorted = [...boot.menus].sort((a, b) => (a.order ?? 0) - (b.order ?? 0))
    const build = (parent: string | null): MenuNode[] =>
        sorted
            .filter((m) => (m.parent || null) === parent)
            .map((m) => ({
                id: m.id,
                title: m.title,
                icon: m.icon ?? '',
                to: target(m, boot),
                children: build(m.id),
            }))
            .filter((n) => n.to || n.children.length)
    return build(null)
}

/* The way from the top to the entry that opens this resource or page. */
export function trailOf(nodes: MenuNode[], matches: (n: MenuNode) => boolean): MenuNode[] {
    for (const n of nodes) {
        if (n.to && matches(n)) return [n]
        const below = trailOf(n.children, matches)
        if (below.length) return [n, ...below]
    }
    return []
}
