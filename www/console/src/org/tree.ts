/* Departments as a tree. Pure. */
export interface Dept {
    id: string
    name: string
    kind?: string
    parent: string | null
    manager?: any
    position: number
    version: number
}
export interface Node extends Dept {
    depth: number
    children: Node[]
}

/* By position, then name; one whose parent one may not see stands at the top. */
export function treeOf(depts: Dept[]): Node[] {
    const ids = new Set(depts.map((d) => d.id))
    const sorted = [...depts].sort((a, b) => a.position - b.position || a.name.localeCompare(b.name, 'zh'))
    const below = (parent: string | null, depth: number): Node[] =>
        sorted.filter((d) => (d.parent && ids.has(d.parent) ? d.parent : null) === parent).map((d) => ({ ...d, depth, children: below(d.id, depth + 1) }))
    return below(null, 0)
}

/* The lines of the tree that are to be seen: those below a shut one are not, and a
 * search shows what matches with the way to it. */
export function linesOf(nodes: Node[], shut: Set<string>, search = ''): Node[] {
    const q = search.trim().toLowerCase()
    const matches = (n: Node): boolean => n.name.toLowerCase().includes(q) || n.children.some(matches)
    return nodes.flatMap((n) => (q && !matches(n) ? [] : [n, ...(q || !shut.has(n.id) ? linesOf(n.children, shut, q) : [])]))
}

/* It and all below it: where it cannot be moved to. */
export function branchOf(depts: Dept[], id: string): Set<string> {
    const out = new Set([id])
    for (let n = 0; n !== out.size; ) {
        n = out.size
        for (const d of depts) if (d.parent && out.has(d.parent)) out.add(d.id)
    }
    return out
}
