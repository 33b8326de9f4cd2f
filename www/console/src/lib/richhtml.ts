/* Reduces HTML to what the rich text editor makes and the server keeps. The server
 * cleans what it stores; this keeps pasted pages from looking like more than
 * will remain, and lets nothing with script near the screen. */

const KEEP: Record<string, string[]> = {
    P: [], BR: [], STRONG: [], EM: [], U: [], H2: [], H3: [], UL: [], OL: [], LI: [], BLOCKQUOTE: [],
    A: ['href'],
}
const RENAME: Record<string, string> = { B: 'STRONG', I: 'EM', DIV: 'P', H1: 'H2', H4: 'H3', H5: 'H3', H6: 'H3' }
const DROP = new Set(['SCRIPT', 'STYLE', 'TEMPLATE', 'IFRAME', 'OBJECT', 'EMBED', 'SVG', 'MATH', 'HEAD', 'TITLE', 'NOSCRIPT'])
const LINES = new Set(['P', 'H2', 'H3'])
const LINES_OR_ITEM = new Set([...LINES, 'LI'])
const BLOCKS = new Set(['P', 'H2', 'H3', 'UL', 'OL', 'BLOCKQUOTE'])

export const isSafeLink = (href: string) => /^(https?:\/\/|mailto:|tel:)/i.test(href.trim())

function copy(from: Node, to: Node, doc: Document): void {
    for (const n of Array.from(from.childNodes)) {
        if (n.nodeType === 3) {
            to.appendChild(doc.createTextNode(n.nodeValue ?? ''))
            continue
        }
        if (n.nodeType !== 1) continue
        const el = n as Element
        const tag = el.tagName.toUpperCase()
        if (DROP.has(tag)) continue
        const name = RENAME[tag] ?? tag
        const href = name === 'A' ? (el.getAttribute('href') ?? '') : ''
        const nested = LINES.has(name) && LINES_OR_ITEM.has((to as Element).tagName)
        if (!(name in KEEP) || nested || (name === 'A' && !isSafeLink(href))) {
            copy(el, to, doc)
            continue
        }
        const out = doc.createElement(name)
        if (name === 'A') out.setAttribute('href', href.trim())
        copy(el, out, doc)
        to.appendChild(out)
    }
}

/* Even a document that is never shown reports attributes the CSP forbids. */
const FORBIDDEN = /\s(?:style|on[a-z]+)\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+)/gi

export function cleanHtml(html: string): string {
    const quiet = html.replace(/<[a-z][^>]*>/gi, (tag) => tag.replace(FORBIDDEN, ''))
    const doc = new DOMParser().parseFromString(quiet, 'text/html')
    const body = doc.createElement('body')
    copy(doc.body, body, doc)
    /* Browsers make lists inside paragraphs, which the next parser would tear apart. */
    for (const p of Array.from(body.querySelectorAll('p')))
        if (p.querySelector('p, ul, ol, h2, h3, blockquote')) p.replaceWith(...Array.from(p.childNodes))
    /* Loose text becomes paragraphs. */
    let run: HTMLElement | null = null
    for (const n of Array.from(body.childNodes)) {
        if (n.nodeType === 1 && BLOCKS.has((n as Element).tagName)) {
            run = null
            continue
        }
        if (!run) {
            if (n.nodeType === 3 && !n.nodeValue?.trim()) {
                n.remove()
                continue
            }
            run = doc.createElement('p')
            body.insertBefore(run, n)
        }
        run.appendChild(n)
    }
    for (const p of Array.from(body.children))
        if (p.tagName === 'P' && !p.textContent?.trim() && !p.querySelector('br')) p.remove()
    return body.textContent?.trim() ? body.innerHTML : ''
}
