/* Where this console lives. It is served at /console/ and at
 * /t/<tenant>/console/; what comes before is the tenant's base. The router works
 * behind '#', so the path holds nothing else. */

export function baseOf(pathname: string): string {
    const at = pathname.lastIndexOf('/console/')
    return at < 0 ? '' : pathname.slice(0, at)
}

export const base = typeof location === 'undefined' ? '' : baseOf(location.pathname)

/* An address below the tenant's base; one that has the base already, or that is
 * absolute, stays as it is. */
export function resolve(path: string, at = base): string {
    if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(path)) return path
    if (at && (path === at || path.startsWith(at + '/'))) return path
    return at + (path.startsWith('/') ? path : '/' + path)
}
