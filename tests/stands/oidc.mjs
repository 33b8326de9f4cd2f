// A strict OpenID Connect provider and WeCom's log-in interface, to test against. They
// check what real ones check and can be told to fail.
import { createServer } from 'node:http';
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const b64 = (v) => Buffer.from(typeof v === 'string' ? v : JSON.stringify(v)).toString('base64url');

const KINDS = {
  RS256: { make: () => generateKeyPairSync('rsa', { modulusLength: 2048 }), sign: (k, d) => sign('sha256', d, k) },
  ES256: { make: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }), sign: (k, d) => sign('sha256', d, { key: k, dsaEncoding: 'ieee-p1363' }) },
  EdDSA: { make: () => generateKeyPairSync('ed25519'), sign: (k, d) => sign(null, d, k) },
};

async function serve(handle) {
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', (d) => (body += d));
    req.on('end', () => handle(req, res, new URL(req.url, 'http://x'), new URLSearchParams(body)));
  });
  await new Promise((ok) => server.listen(0, '127.0.0.1', ok));
  return server;
}
const json = (res, status, body) => { res.writeHead(status, { 'content-type': 'application/json' }); res.end(JSON.stringify(body)); };

export async function oidcStand({ clientId = 'atrium', secret = 's3cret/with:signs' } = {}) {
  const stand = {
    clientId, secret, alg: 'RS256', user: { sub: 'sub-1', name: '外部用户', email: 'ext@example.com', email_verified: true, preferred_username: 'ext' },
    claims: {}, header: {}, redirects: null, codes: new Map(), log: [], tamper: null, failToken: 0, kid: 0,
  };
  const key = () => {
    const pair = KINDS[stand.alg].make();
    const kid = `k${++stand.kid}`;
    stand.current = { ...pair, kid, alg: stand.alg };
    stand.keys = [{ ...pair.publicKey.export({ format: 'jwk' }), kid, use: 'sig' }];
  };
  stand.rotate = (alg = stand.alg) => { stand.alg = alg; key(); };
  const token = (nonce) => {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: stand.issuer, aud: clientId, exp: now + 300, iat: now, nonce, ...stand.user, ...stand.claims };
    const { privateKey, kid, alg } = stand.current;
    const text = `${b64({ alg, typ: 'JWT', kid, ...stand.header })}.${b64(claims)}`;
    const out = `${text}.${KINDS[alg].sign(privateKey, Buffer.from(text)).toString('base64url')}`;
    return stand.tamper ? stand.tamper(out, claims) : out;
  };
  const refuse = (res, why) => { stand.log.push(why); json(res, 400, { error: 'invalid_grant', error_description: why }); };
  const server = await serve((req, res, url, form) => {
    const q = url.searchParams;
    if (url.pathname === '/.well-known/openid-configuration')
      return json(res, 200, { issuer: stand.wrongIssuer ?? stand.issuer, authorization_endpoint: `${stand.issuer}/authorize`, token_endpoint: `${stand.issuer}/token`, jwks_uri: `${stand.issuer}/jwks` });
    if (url.pathname === '/jwks') { stand.log.push('jwks'); return json(res, 200, { keys: stand.keys }); }
    if (url.pathname === '/authorize') {
      const bad = q.get('client_id') !== clientId ? 'client_id' : q.get('response_type') !== 'code' ? 'response_type'
        : !q.get('scope')?.split(' ').includes('openid') ? 'scope' : q.get('code_challenge_method') !== 'S256' ? 'pkce'
          : !/^[\w-]{43}$/.test(q.get('code_challenge') ?? '') ? 'challenge' : !q.get('state') || !q.get('nonce') ? 'state' : null;
      if (bad) return refuse(res, bad);
      const code = randomBytes(16).toString('hex');
      stand.codes.set(code, { redirect: q.get('redirect_uri'), challenge: q.get('code_challenge'), nonce: q.get('nonce') });
      const to = new URL(q.get('redirect_uri'));
      to.searchParams.set('code', code);
      to.searchParams.set('state', q.get('state'));
      res.writeHead(302, { location: String(to) });
      return res.end();
    }
    if (url.pathname === '/token') {
      if (stand.failToken) return json(res, stand.failToken, { error: 'server_error' });
      const [id, pw] = Buffer.from((req.headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString().split(':').map(decodeURIComponent);
      const code = stand.codes.get(form.get('code'));
      stand.codes.delete(form.get('code'));
      if (id !== clientId || pw !== secret) { stand.log.push('secret'); return json(res, 401, { error: 'invalid_client' }); }
      if (!code) return refuse(res, 'code');
      if (form.get('grant_type') !== 'authorization_code') return refuse(res, 'grant_type');
      if (form.get('redirect_uri') !== code.redirect) return refuse(res, 'redirect_uri');
      if (createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url') !== code.challenge) return refuse(res, 'verifier');
      return json(res, 200, { access_token: 'at', token_type: 'Bearer', id_token: token(code.nonce) });
    }
    json(res, 404, {});
  });
  stand.issuer = `http://127.0.0.1:${server.address().port}`;
  stand.stop = () => new Promise((ok) => { server.close(ok); server.closeAllConnections(); });
  key();
  return stand;
}

/** WeCom: the scan page, gettoken, auth/getuserinfo. */
export async function wecomStand({ corp = 'ww1234567890', secret = 'corp-secret', agent = '1000002' } = {}) {
  const stand = { corp, secret, agent, userid: 'ZhangSan', codes: new Set(), tokens: new Set(), gettoken: 0, expireOnce: false };
  const server = await serve((req, res, url) => {
    const q = url.searchParams;
    if (url.pathname === '/scan') {
      if (q.get('appid') !== corp || q.get('agentid') !== agent) return json(res, 400, { errmsg: 'appid' });
      const code = randomBytes(8).toString('hex');
      stand.codes.add(code);
      const to = new URL(q.get('redirect_uri'));
      to.searchParams.set('code', code);
      to.searchParams.set('state', q.get('state'));
      res.writeHead(302, { location: String(to) });
      return res.end();
    }
    if (url.pathname === '/cgi-bin/gettoken') {
      stand.gettoken++;
      if (q.get('corpid') !== corp || q.get('corpsecret') !== secret) return json(res, 200, { errcode: 40001, errmsg: 'invalid credential' });
      const t = randomBytes(8).toString('hex');
      stand.tokens.add(t);
      return json(res, 200, { errcode: 0, errmsg: 'ok', access_token: t, expires_in: 7200 });
    }
    if (url.pathname === '/cgi-bin/auth/getuserinfo') {
      if (stand.expireOnce) { stand.expireOnce = false; stand.tokens.clear(); }
      if (!stand.tokens.has(q.get('access_token'))) return json(res, 200, { errcode: 42001, errmsg: 'access_token expired' });
      if (!stand.codes.delete(q.get('code'))) return json(res, 200, { errcode: 40029, errmsg: 'invalid code' });
      return json(res, 200, stand.userid ? { errcode: 0, errmsg: 'ok', userid: stand.userid } : { errcode: 0, errmsg: 'ok', openid: 'o1', external_userid: 'wm1' });
    }
    json(res, 404, {});
  });
  stand.base = `http://127.0.0.1:${server.address().port}`;
  stand.stop = () => new Promise((ok) => { server.close(ok); server.closeAllConnections(); });
  return stand;
}
