/* How a request leaves this platform: fetch in a browser, wx.request in the
 * mini-program, where cookies have to be carried by hand. */
import { Unreachable, Unset, type Request, type Response, type Transport } from './api';
// #ifndef H5
import { cookieHeader, takeCookies } from './cookies';
import { dropToken, tokenHeader } from './token';
// #endif

const TIMEOUT = 15_000;

let send: Transport;

// #ifdef H5
send = async (request: Request): Promise<Response> => {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), TIMEOUT);
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers,
      body: request.body,
      credentials: 'same-origin',
      cache: 'no-store',
      signal: abort.signal,
    });
    const body = await response.text();
    return { status: response.status, header: (name) => response.headers.get(name), body };
  } catch (error) {
    throw new Unreachable(String(error));
  } finally {
    clearTimeout(timer);
  }
};
// #endif

// #ifndef H5
send = async (request: Request): Promise<Response> => {
  const answer = await sendOnce(request, tokenHeader());
  if (answer.status !== 401 || !/"session_expired"/.test(answer.body)) return answer;
  dropToken(); // with the token of a session that ended even public pages are refused
  return sendOnce(request, {});
};

const sendOnce = (request: Request, token: Record<string, string>): Promise<Response> =>
  new Promise((resolve, reject) => {
    if (!/^https?:\/\//.test(request.url)) {
      reject(new Unset());
      return;
    }
    const cookie = cookieHeader();
    uni.request({
      url: request.url,
      method: request.method as 'GET' | 'POST',
      header: { ...request.headers, ...token, ...(cookie ? { cookie } : {}) },
      data: request.body,
      // As text: ids are 63-bit, and errors are to be parsed like answers.
      dataType: 'text',
      timeout: TIMEOUT,
      success(answer) {
        const headers = lowerCase(answer.header as Record<string, string>);
        takeCookies(answer.cookies, headers['set-cookie']);
        resolve({
          status: answer.statusCode,
          header: (name) => headers[name] ?? null,
          body: typeof answer.data === 'string' ? answer.data : JSON.stringify(answer.data),
        });
      },
      fail: (error) => reject(new Unreachable(error.errMsg)),
    });
  });

function lowerCase(headers: Record<string, string> = {}): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name of Object.keys(headers)) out[name.toLowerCase()] = headers[name];
  return out;
}
// #endif

export const transport: Transport = (request) => send(request);
