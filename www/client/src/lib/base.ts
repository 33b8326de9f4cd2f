/* Where this tenant lives. */

/** `https://host` or `https://host/t/<tenant>`, without a slash at the end. */
export function apiBase(): string {
  // #ifdef H5
  return baseOf(location.origin, location.pathname);
  // #endif
  // #ifndef H5
  const ext = (uni.getExtConfigSync?.() ?? {}) as { base?: string };
  return (ext.base || import.meta.env.VITE_API_BASE || '').replace(/\/+$/, '');
  // #endif
}

/** The place the page was loaded from: "/t/fair/" and "/t/fair/index.html" alike. */
export function baseOf(origin: string, pathname: string): string {
  return origin + pathname.replace(/\/[^/]*$/, '');
}

/** A file's address as the server wrote it, made whole. Such addresses are
 * relative to the tenant's base; one that already has it is left alone. */
export function fileUrl(base: string, url: string | null | undefined): string {
  if (!url) return '';
  if (/^(https?:)?\/\//.test(url)) return url;
  const [, origin, prefix] = /^(https?:\/\/[^/]+)(.*)$/.exec(base) ?? ['', '', ''];
  if (!url.startsWith('/')) return `${base}/${url}`;
  return prefix && url.startsWith(`${prefix}/`) ? origin + url : base + url;
}
