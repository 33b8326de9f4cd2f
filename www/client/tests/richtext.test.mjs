import { test } from 'node:test';
import assert from 'node:assert/strict';
import m from './modules.mjs';

const own = (url) => (url.startsWith('/files/') ? `https://h${url}` : '');
const parse = (html) => m.parseRich(html, own);

/* The tree as markup again, to compare and to search for what must not be there. */
function html(nodes) {
  return nodes
    .map((node) => {
      if (node.type === 'text') return node.text;
      const { class: name, ...rest } = node.attrs;
      assert.equal(name, `rich-${node.name}`);
      const attrs = Object.entries(rest).map(([k, v]) => ` ${k}="${v}"`).join('');
      return `<${node.name}${attrs}>${html(node.children)}</${node.name}>`;
    })
    .join('');
}

test('what is allowed stays', () => {
  const text = '<h2>规则</h2><ul><li>一</li><li>二 <b>三</b></li></ul>';
  assert.equal(html(parse(text)), text);
});

test('text without markup becomes paragraphs', () => {
  assert.equal(html(parse('一\n\n二 &amp; 三')), '<p>一</p><p>二 & 三</p>');
});

test('headings begin at the second level and leave none out', () => {
  assert.equal(html(parse('<h4>a</h4><p>b</p><h6>c</h6>')), '<h2>a</h2><p>b</p><h2>c</h2>');
  assert.equal(html(parse('<h1>a</h1><h4>b</h4>')), '<h2>a</h2><h3>b</h3>');
});

test('scripts, styles and frames go with all that is in them', () => {
  assert.equal(
    html(parse('<p>a<script>alert(1)</script>b<style>p{}</style><iframe src=x>c</iframe></p>d')),
    '<p>ab</p>d',
  );
  assert.equal(html(parse('<p>a<SCRIPT >x</script >b')), '<p>ab</p>');
  assert.equal(html(parse('<p>a<script>x')), '<p>a</p>');
  assert.equal(html(parse('<svg><p>x</p></svg><p>y')), '<p>y</p>');
});

test('handlers, styles and unknown attributes go', () => {
  assert.equal(
    html(parse('<p onclick="x()" style="text-align: center; position:fixed" id=a>t</p>')),
    '<p style="text-align:center">t</p>',
  );
});

test('links lead only where links may lead', () => {
  assert.equal(html(parse('<a href="https://x.cn/">t</a>')), '<a href="https://x.cn/">t</a>');
  for (const href of ['javascript:alert(1)', 'JaVaScRiPt:x', '&#106;avascript:x', 'data:text/html,x', ' java\nscript:x', '//x']) {
    assert.equal(html(parse(`<a href="${href}">t</a>`)), '<a>t</a>', href);
  }
});

test('pictures only from the tenant', () => {
  assert.equal(
    html(parse('<p><img src="/files/1/a.png" onerror=x alt="图"><img src="https://evil/x.png"></p>')),
    '<p><img src="https://h/files/1/a.png" alt="图"></img></p>',
  );
});

test('broken markup ends well', () => {
  assert.equal(html(parse('<p>a<p>b</div></p>c<b>d')), '<p>a</p><p>b</p>c<b>d</b>');
  assert.equal(html(parse('<p>1 < 2 &lt;b&gt;</p>')), '<p>1 < 2 <b></p>');
  assert.equal(html(parse('<li>a<li>b')), '<li>a</li><li>b</li>');
  assert.equal(html(parse('<!-- <p>x</p> --><p>y')), '<p>y</p>');
});

test('depth is bounded', () => {
  const deep = (nodes) => 1 + Math.max(0, ...nodes.map((n) => (n.children ? deep(n.children) : 0)));
  assert.ok(deep(parse('<div>'.repeat(5000) + 'x')) < 40);
});

test('a hostile text is read in reasonable time', () => {
  const start = Date.now();
  parse('<p ' + 'a="'.repeat(20_000));
  parse('<a '.repeat(20_000));
  parse('&'.repeat(50_000) + '<p>');
  parse('<!--'.repeat(20_000) + '<p>');
  parse('<p "'.repeat(20_000) + "'>");
  assert.ok(Date.now() - start < 2000);
});
