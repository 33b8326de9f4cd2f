/* The mini-program's cookies: wx.request keeps none, and the server knows the device
 * (atrium_d) by one. Sessions are not kept here: see token.ts. */

const STORE = 'cookies';

type Jar = Record<string, { value: string; until: number }>;

function load(): Jar {
  const stored = uni.getStorageSync(STORE) as Jar | '';
  return stored || {};
}

export function cookieHeader(now = Date.now()): string {
  const jar = load();
  return Object.keys(jar)
    .filter((name) => jar[name].until > now)
    .map((name) => `${name}=${jar[name].value}`)
    .join('; ');
}

/** `list` is what newer base libraries give; `joined` the header as one line. */
export function takeCookies(list: string[] | undefined, joined: string | undefined): void {
  // Commas also stand in dates ("Thu, 01 Jan"): split only before a name.
  const lines = list?.length ? list : (joined ?? '').split(/,(?=\s*[\w-]+=)/);
  const jar = load();
  let changed = false;
  for (const line of lines) {
    const cookie = parseCookie(line, Date.now());
    if (!cookie || /^atrium_[ms]$/.test(cookie.name)) continue;
    changed = true;
    if (cookie.until > Date.now()) jar[cookie.name] = { value: cookie.value, until: cookie.until };
    else delete jar[cookie.name];
  }
  if (changed) uni.setStorageSync(STORE, jar);
}

export function parseCookie(
  line: string,
  now: number,
): { name: string; value: string; until: number } | null {
  const [pair, ...attributes] = line.split(';').map((part) => part.trim());
  const eq = pair.indexOf('=');
  if (eq <= 0) return null;
  // A cookie without a date lasts for the session; here there is no closing of
  // a browser to end it, so a day is given.
  let until = now + 86_400_000;
  for (const attribute of attributes) {
    const [key, value = ''] = attribute.split('=');
    if (/^max-age$/i.test(key)) {
      until = now + Number(value) * 1000;
      break; // Max-Age wins over Expires, RFC 6265
    }
    if (/^expires$/i.test(key)) until = Date.parse(attribute.slice(8)) || until;
  }
  return { name: pair.slice(0, eq), value: pair.slice(eq + 1), until };
}
