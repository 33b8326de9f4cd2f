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

/* Pages that the console itself has, by the ids core's manifest uses. */
const OWN_PAGES: Record<string, string> = { plugins: 'plugins', 'core.plugins': 'plugins', home: 'home', 'core.home': 'home' }

function target(m: Menu, boot: Bootstrap): RouteLocationRaw | null {
    if (m.resource) {
        const dot = m.resource.indexOf('.')
        return { name: 'list', params: { plugin: m.resource.slice(0, dot), resource: m.resource.slice(dot + 1) } }
    }
    if (!m.page) return null
    if (OWN_PAGES[m.page]) return { name: OWN_PAGES[m.page] }
    const plugin = m.page.includes('.') ? m.page.slice(0, m.page.indexOf('.')) : m.id.split('.')[0]
    const id = m.page.slice(m.page.indexOf('.') + 1)
    return boot.pages.some((p) => p.plugin === plugin && p.id === id)
        ? { name: 'page', params: { plugin, page: id } }
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
    const tree = build(null)
    const has = (nodes: MenuNode[]): boolean =>
        nodes.some((n) => (n.to as any)?.name === 'plugins' || has(n.children))
    if (boot.admin && !has(tree))
        tree.push({
            id: 'plugins',
            title: { zh: '插件管理', en: 'Plugins' },
            icon: 'plugin',
            to: { name: 'plugins' },
            children: [],
        })
    return tree
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
