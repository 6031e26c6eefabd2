// A session that refreshes its tokens, and the feed that goes on behind a break: for any client
// library, or none. docs/guides explains it.
import { createClient } from 'graphql-ws';

/**
 * @typedef {{ accessToken: string, refreshToken: string }} Tokens
 * @typedef {{ message: string, extensions: { code: string, status: number, retryAfterMs?: number } }} Failure
 * @typedef {{ data?: any, errors?: Failure[] }} Answer
 */

/**
 * post sends an operation and gives the answer, errors included. It throws where there is none.
 * @param {string} url
 * @param {string} query
 * @param {object} [variables]
 * @param {typeof fetch} [using]
 * @returns {Promise<Answer>}
 */
export async function post(url, query, variables, using = fetch) {
  const headers = { 'Content-Type': 'application/json' };
  return (await using(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })).json();
}

/**
 * withHeaders gives a fetch that adds headers to each request.
 * @param {Record<string, string>} more
 * @returns {typeof fetch}
 */
export const withHeaders = (more) => (url, options) => {
  const headers = new Headers(options?.headers);
  for (const [name, value] of Object.entries(more)) headers.set(name, value);
  return fetch(url, { ...options, headers });
};

const REFRESH = `mutation Refresh($refreshToken: String!) {
  refreshToken(input: { refreshToken: $refreshToken }) { tokens { accessToken refreshToken } }
}`;

/** No refresh helps any more: the parent has to sign in. */
export class SignedOut extends Error {}

export class Session {
  /** @type {Promise<void> | undefined} */
  #refreshing;

  /**
   * @param {string} url
   * @param {Tokens} tokens of the sign-in, or those that were saved last
   * @param {(tokens: Tokens) => unknown} save keeps them where the next start of the app finds them
   * @param {Record<string, string>} [app] headers that name the app and its version
   */
  constructor(url, tokens, save, app = {}) {
    this.url = url;
    this.tokens = tokens;
    this.save = save;
    this.app = app;
  }

  /** @param {string} query @param {object} [variables] */
  execute(query, variables) {
    return post(this.url, query, variables, this.fetch);
  }

  /**
   * fetch sends a request with the token, and once more with a fresh one where that was refused. A
   * field that needs a token has not run then, so a mutation is safe as well. Give it to a client library.
   * @type {typeof fetch}
   */
  fetch = async (url, options) => {
    const used = this.tokens.accessToken;
    const send = () => withHeaders({ ...this.app, Authorization: `Bearer ${this.tokens.accessToken}` })(url, options);
    const answer = await send();
    const isJSON = answer.headers.get('Content-Type')?.includes('json'); // else it is a stream, or no answer of the server
    if (!isJSON || !isTokenRefused((await answer.clone().json()).errors)) return answer;
    await this.refresh(used);
    return send();
  };

  /**
   * refresh replaces the tokens, unless that has happened since the app used the one that was
   * refused. It runs once for all who wait for it.
   * @param {string} used
   */
  async refresh(used) {
    if (this.tokens.accessToken !== used) return;
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined));
    await this.#refreshing;
  }

  // Only an error with the status 401 says that the session has ended. After any other the old
  // refresh token still works.
  async #refresh() {
    const { data, errors } = await post(this.url, REFRESH, { refreshToken: this.tokens.refreshToken }, withHeaders(this.app));
    if (errors?.[0].extensions.status === 401) throw new SignedOut(errors[0].extensions.code);
    if (errors) throw Object.assign(new Error(errors[0].message), errors[0].extensions);
    await this.save(data.refreshToken.tokens); // before they are used, or a crash loses the session
    this.tokens = data.refreshToken.tokens;
  }
}

/** @param {Failure[]} [errors] */
const isTokenRefused = (errors) => errors?.some((e) => ['TOKEN_IS_EXPIRED', 'UNAUTHENTICATED'].includes(e.extensions?.code)) ?? false;

const FEED = `subscription Feed($after: String) {
  devlogStatus(after: $after) {
    cursor change occurredAt
    devlog { id status logFileId childUser { id } }
    device { id lastLogFileId }
  }
}`;

/**
 * @typedef {{ cursor: string, change: string, occurredAt: string, device: { id: string, lastLogFileId: number },
 *   devlog: { id: string, status: string, logFileId: number | null, childUser: { id: string } } }} FeedEvent
 * @typedef {object} Listener
 * @property {string} [after] the cursor of the last event, if one was kept
 * @property {(event: FeedEvent, how: { recovered: boolean }) => void} next deals with an event, and keeps its cursor
 * @property {() => void} [ready] the feed is in place, as after each break: read the screens now
 * @property {(code: string) => void} [missed] the feed is in place, but the cursor was of no use: forget it, and catch up
 * @property {() => void} [signedOut] the session has ended: let the parent sign in
 * @property {() => void} [upgradeRequired] this version of the app is not served any more
 */

/**
 * follow calls next with each event, and goes on behind the last one after a break. It gives the
 * function that stops it.
 * @param {Session} session
 * @param {Listener} listener
 * @param {Partial<import('graphql-ws').ClientOptions>} [options] as { webSocketImpl } where there is no WebSocket
 */
export function follow(session, { after, next, ready, missed, signedOut, upgradeRequired }, options) {
  let [used, lost, tries, isStopped, unsubscribe] = ['', '', 0, false, () => {}];

  // listen opens a socket, and gives why its feed has ended: errors, or the event of its closing.
  const listen = () =>
    new Promise((ended) => {
      const client = createClient({
        ...options,
        url: session.url.replace(/^http/, 'ws'),
        connectionParams: () => ({ ...session.app, Authorization: `Bearer ${(used = session.tokens.accessToken)}` }),
        retryAttempts: 0,
      });
      /** @type {Failure[] | undefined} */
      let errors;
      unsubscribe = client.subscribe({ query: FEED, variables: { after } }, {
        /** @param {{ data?: { devlogStatus: FeedEvent } | null, errors?: any, extensions?: { recovered?: boolean } }} result */
        next: (result) => {
          if (!result.data) return void (errors = result.errors);
          next(result.data.devlogStatus, { recovered: result.extensions?.recovered === true });
          after = result.data.devlogStatus.cursor;
        },
        error: ended,
        complete: () => ended(errors),
      });
      // What is sent after a subscription is answered once that is in place.
      const inPlace = () => {
        if (errors || isStopped) return;
        if (lost) missed?.(lost);
        lost = '';
        ready?.();
      };
      client.subscribe({ query: '{ __typename }' }, { next: inPlace, error: () => {}, complete: () => {} });
    });

  const run = async () => {
    while (!isStopped) {
      const began = Date.now();
      const end = await listen();
      if (isStopped) return;
      tries = Date.now() - began > 60_000 ? 0 : tries + 1;
      let why = (Array.isArray(end) ? end[0].extensions : end) ?? {};
      switch (why.code) {
        case 4426:
          return upgradeRequired?.();
        case 4403:
          why = (await session.refresh(used).catch((e) => e)) ?? {};
          if (why instanceof SignedOut) return signedOut?.();
          break;
        case 'CURSOR_EXPIRED':
        case 'CURSOR_NOT_VALID':
          [after, lost] = [undefined, why.code];
          break;
        default:
          console.warn(`The feed is opened again (${why.code ?? why})`);
      }
      const wait = why.retryAfterMs ?? /retry in (\d+) ms/.exec(why.reason)?.[1] ?? Math.random() * Math.min(500 * 2 ** tries, 30_000);
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  };
  run();
  return () => {
    isStopped = true;
    unsubscribe();
  };
}
