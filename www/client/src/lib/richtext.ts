/* Rich text from a tenant's staff, as a tree of allowed nodes. The server cleans
 * it when it is saved; here it is read with an allow-list of its own, because what
 * is shown to the public must not hang on one check. No DOM: the same code runs in
 * the mini-program, whose <rich-text> takes this very tree. */

export interface ElementNode {
  type: 'node';
  name: string;
  attrs: Record<string, string>;
  children: RichNode[];
}
export interface TextNode {
  type: 'text';
  text: string;
}
export type RichNode = ElementNode | TextNode;

const ALLOWED = new Set(
  ('a b blockquote br code del div em h2 h3 h4 hr i img ins li ol p pre s span strong sub sup ' +
    'table tbody td th thead tr u ul').split(' '),
);
const RENAMED: Record<string, string> = { h1: 'h2', h5: 'h4', h6: 'h4', section: 'div' };
const VOID = new Set(['br', 'hr', 'img']);
/** Dropped with all that is inside. */
const DROPPED = /^(script|style|iframe|object|embed|template|noscript|svg|math|textarea|title|form)$/;
/** A start tag of these ends an open paragraph or item. */
const BLOCK = /^(p|div|h[2-4]|ul|ol|table|blockquote|pre|hr)$/;
const DEEPEST = 30;
const LONGEST_TAG = 4000;

const ENTITIES: Record<string, string> = {
  amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0', hellip: '…', mdash: '—',
  ndash: '–', middot: '·', ldquo: '“', rdquo: '”', lsquo: '‘', rsquo: '’', times: '×', copy: '©',
};

export function decode(text: string): string {
  return text.replace(/&(#x?[0-9a-f]+|\w+);/gi, (whole, name: string) => {
    if (name[0] !== '#') return ENTITIES[name.toLowerCase()] ?? whole;
    const hex = name[1] === 'x' || name[1] === 'X';
    const point = hex ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10);
    const valid = point > 0 && point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff);
    return valid ? String.fromCodePoint(point) : '';
  });
}

/** `file` makes a picture's address whole, or gives '' for one that may not load. */
export function parseRich(html: string, file: (url: string) => string): RichNode[] {
  if (!/<\w/.test(html)) return plain(html);
  const root: ElementNode = { type: 'node', name: 'div', attrs: {}, children: [] };
  const stack: ElementNode[] = [root];
  const top = () => stack[stack.length - 1];
  const name = /<(\/?)([a-z][a-z0-9]*)/iy;
  let dropping = '';
  const text = (raw: string) => {
    if (!dropping && raw) top().children.push({ type: 'text', text: decode(raw) });
  };

  for (let at = 0; at < html.length; ) {
    const lt = html.indexOf('<', at);
    text(html.slice(at, lt < 0 ? html.length : lt));
    if (lt < 0) break;
    if (html.startsWith('<!--', lt)) {
      const end = html.indexOf('-->', lt + 4);
      if (end < 0) break;
      at = end + 3;
      continue;
    }
    name.lastIndex = lt;
    const m = name.exec(html);
    const end = m ? tagEnd(html, name.lastIndex) : -1;
    if (m === null || end < 0) {
      text('<');
      at = lt + 1;
      continue;
    }
    tag(m[1] === '/', m[2].toLowerCase(), html.slice(name.lastIndex, end));
    at = end + 1;
  }

  function tag(closing: boolean, said: string, raw: string): void {
    if (dropping) {
      if (closing && said === dropping) dropping = '';
      return;
    }
    if (!closing && DROPPED.test(said)) {
      dropping = said;
      return;
    }
    const name = RENAMED[said] ?? said;
    if (!ALLOWED.has(name)) return; // its text stays
    if (closing) {
      const at = stack.map((node) => node.name).lastIndexOf(name);
      if (at > 0) stack.length = at;
      return;
    }
    if (BLOCK.test(name) && top().name === 'p') stack.pop();
    if (name === 'li' && top().name === 'li') stack.pop();
    const attrs = attributes(name, raw, file);
    if (name === 'img' && !attrs.src) return;
    const node: ElementNode = { type: 'node', name, attrs, children: [] };
    top().children.push(node);
    if (!VOID.has(name) && stack.length < DEEPEST) stack.push(node);
  }

  levelHeadings(root);
  return root.children.filter((node) => node.type === 'node' || node.text.trim() !== '');
}

/** The page has its own h1 and h2 is what follows: the highest heading used becomes
 * h2, the next h3, so that no level is left out. */
function levelHeadings(root: ElementNode): void {
  const headings: ElementNode[] = [];
  const walk = (node: RichNode) => {
    if (node.type === 'text') return;
    if (/^h[2-4]$/.test(node.name)) headings.push(node);
    node.children.forEach(walk);
  };
  walk(root);
  const used = [...new Set(headings.map((node) => node.name))].sort();
  for (const node of headings) {
    node.name = `h${used.indexOf(node.name) + 2}`;
    node.attrs.class = `rich-${node.name}`;
  }
}

/** Where the tag ends whose name ends at `from`; -1 if this is no tag. Bounded, so
 * that a text full of "<a " is still read in reasonable time. */
function tagEnd(html: string, from: number): number {
  let quote = '';
  for (let i = from; i < Math.min(html.length, from + LONGEST_TAG); i++) {
    const c = html[i];
    if (quote) {
      if (c === quote) quote = '';
    } else if (c === '"' || c === "'") quote = c;
    else if (c === '>') return i;
    else if (c === '<') return -1;
  }
  return -1;
}

/** Text without markup: its lines are paragraphs. */
function plain(text: string): RichNode[] {
  return decode(text)
    .split(/\n+/)
    .filter((line) => line.trim() !== '')
    .map((line) => ({
      type: 'node',
      name: 'p',
      attrs: { class: 'rich-p' },
      children: [{ type: 'text', text: line }],
    }));
}

function attributes(
  name: string,
  raw: string,
  file: (url: string) => string,
): Record<string, string> {
  const out: Record<string, string> = { class: `rich-${name}` };
  const each = /([\w-]+)\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)/g;
  for (let m = each.exec(raw); m !== null; m = each.exec(raw)) {
    const key = m[1].toLowerCase();
    const value = decode(m[2].replace(/^["']|["']$/g, '')).trim();
    if (name === 'a' && key === 'href' && /^(https?:\/\/|mailto:|tel:)/i.test(value)) {
      out.href = value;
    }
    if (name === 'img' && key === 'src') {
      const whole = file(value);
      if (whole) out.src = whole;
    }
    if (name === 'img' && key === 'alt') out.alt = value;
    if ((name === 'td' || name === 'th') && /^(col|row)span$/.test(key) && /^\d{1,2}$/.test(value)) {
      out[key] = value;
    }
    if (key === 'style') {
      const align = /(?:^|;)\s*text-align\s*:\s*(center|right)\b/i.exec(value);
      if (align) out.style = `text-align:${align[1].toLowerCase()}`;
    }
  }
  if (name === 'img' && out.alt === undefined) out.alt = '';
  return out;
}

/** How much there is to read; long introductions are folded. */
export function textLength(nodes: RichNode[]): number {
  let n = 0;
  for (const node of nodes) {
    if (node.type === 'text') n += node.text.length;
    else n += node.name === 'img' ? 120 : textLength(node.children);
  }
  return n;
}
