// Runs guide.js as an app does: signs in, goes on behind the end of a token, follows the feed across breaks, and
// learns when a session or a cursor has ended.
import assert from 'node:assert/strict';
import WebSocket, { WebSocketServer } from 'ws';
import { Session, SignedOut, follow, post } from './guide.js';

const family = JSON.parse(process.env.FAMILY);
const control = async (path) => assert.equal((await fetch(`${family.control}${path}`)).status, 200);

const HOME = `query Home { me { id } childUsers { id } }`;
const SIGN_IN = `mutation SignIn($email: String!, $password: String!) {
  signIn(input: { email: $email, password: $password }) { tokens { accessToken refreshToken } }
}`;
const UPLOAD = `mutation Upload($logs: [DevlogInput!]!) { uploadDevlogs(input: { logs: $logs }) { devlogs { id } } }`;
const APP = { 'apollographql-client-name': 'lux-ios', 'apollographql-client-version': '2.0.3' };
const SIGN_OUT = `mutation SignOut { signOut { ok } }`;

const withToken = (token) => (url, options) => fetch(url, { ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` } });

async function signIn() {
  const { data } = await post(family.url, SIGN_IN, { email: family.email, password: 'secret123' });
  const saved = [];
  const session = new Session(family.url, data.signIn.tokens, async (tokens) => {
    assert.notEqual(session.tokens.refreshToken, tokens.refreshToken, 'tokens were used before they were saved');
    saved.push(tokens);
  });
  return { session, saved };
}

const showsHome = ({ data }) => assert.deepEqual(data, { me: { id: family.id }, childUsers: [{ id: family.childId }] });

async function upload(session, logFileId) {
  const log = {
    childUserId: family.childId, deviceId: family.deviceId, uniqueId: family.uniqueId,
    treatmentDate: `2025-02-21T15:48:${10 + logFileId}`, finishFlag: 'BUTTON_SHUTDOWN', lastIntensity: 3, treatmentTime: 600, logFileId,
  };
  assert.equal((await session.execute(UPLOAD, { logs: [log] })).errors, undefined);
}

// refreshing answers the refreshes of a task by answers of the test's own, and counts them.
async function refreshing(answer, task) {
  const real = globalThis.fetch;
  let n = 0;
  globalThis.fetch = (url, options) => (options?.body?.includes('mutation Refresh') ? (n++, answer(() => real(url, options))) : real(url, options));
  try {
    await task(() => n);
  } finally {
    globalThis.fetch = real;
  }
}
const failing = (code, status, more) => async () =>
  Response.json({ data: { refreshToken: null }, errors: [{ message: code, extensions: { code, status, ...more } }] });

// Socket is the newest that was opened, and can be told to fail.
let opened = [];
let isDown = false;
class Socket extends WebSocket {
  constructor(...args) {
    super(...args);
    opened.push(this);
    if (isDown) setImmediate(() => this.terminate());
  }
}

// listen follows the feed and writes down what it says, a line each; until waits for so many lines.
function listen(session, after, does = {}) {
  const lines = [];
  let wake = () => {};
  const write = (name) => (line) => (lines.push(`${name} ${line}`), does[name]?.(line), wake());
  const events = [];
  const stop = follow(
    session,
    {
      after,
      next: (event, { recovered }) => {
        assert.equal(event.devlog.childUser.id, family.childId);
        events.push(event);
        write('next')(`${event.devlog.logFileId}${recovered ? ' recovered' : ''}`);
      },
      ready: () => write('ready')(''),
      missed: write('missed'),
      signedOut: () => write('signedOut')(''),
      upgradeRequired: () => write('upgradeRequired')(''),
    },
    { webSocketImpl: Socket, on: { opened: () => does.opened?.() } },
  );
  const wait = (what, isThere) =>
    new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error(`${what} did not come, but ${lines}`)), 60_000).unref();
      wake = () => isThere() && resolve();
      wake();
    });
  const until = async (...wanted) => {
    await wait(wanted, () => lines.length >= wanted.length);
    assert.deepEqual(lines.splice(0), wanted);
  };
  // Events that were missed come beside the answer to what is sent behind the subscription.
  const untilResumed = async (...wanted) => {
    await wait(wanted, () => lines.length > wanted.length);
    const [ready, events] = [lines.filter((line) => line === 'ready '), lines.splice(0).filter((line) => line !== 'ready ')];
    assert.deepEqual([ready.length, events], [1, wanted]);
  };
  // So may that answer come before the refusal of the subscription.
  const untilBegun = async (missed) => {
    await wait(missed, () => lines.at(-2) === missed && lines.at(-1) === 'ready ');
    assert.deepEqual(lines.splice(0).filter((line) => line !== 'ready '), [missed]);
  };
  return { until, untilResumed, untilBegun, events, stop };
}

const tests = {
  'two screens that are opened at once refresh once': async () => {
    const { session, saved } = await signIn();
    await control('/clock/16');
    for (const screen of await Promise.all([session.execute(HOME), session.execute(HOME)])) showsHome(screen);
    assert.equal(saved.length, 1);
  },

  'an access token that is not one is refreshed, as an old one is': async () => {
    const { session, saved } = await signIn();
    session.tokens.accessToken = 'mistaken';
    const refused = await post(family.url, SIGN_OUT, {}, withToken('mistaken'));
    assert.deepEqual([refused.data, refused.errors.map((e) => e.extensions.code)], [{ signOut: null }, ['UNAUTHENTICATED']]);
    showsHome(await session.execute(HOME));
    assert.equal(saved.length, 1);
  },

  'the app is named with each request': async () => {
    const { session: { tokens } } = await signIn();
    await control('/clock/16');
    const real = globalThis.fetch;
    const named = [];
    globalThis.fetch = (url, options) => (named.push(new Headers(options.headers).get('apollographql-client-version')), real(url, options));
    try {
      showsHome(await new Session(family.url, tokens, () => {}, APP).execute(HOME));
    } finally {
      globalThis.fetch = real;
    }
    assert.deepEqual(named, ['2.0.3', '2.0.3', '2.0.3']); // refused, refreshed, answered
  },

  'a refresh that fails for now signs nobody out': async () => {
    const { session } = await signIn();
    await control('/clock/16');
    for (const [answer, retryAfterMs] of [
      [failing('TOO_MANY_REQUESTS', 429, { retryAfterMs: 1500 }), 1500],
      [failing('INTERNAL', 500)],
      [failing('UPGRADE_REQUIRED', 426)],
      [async () => new Response('<h1>Bad gateway</h1>', { status: 502 })],
      [async () => Promise.reject(new TypeError('fetch failed'))],
    ]) {
      await refreshing(answer, () =>
        assert.rejects(session.execute(HOME), (e) => !(e instanceof SignedOut) && e.retryAfterMs === retryAfterMs));
    }
    showsHome(await session.execute(HOME));
  },

  'a session that has ended needs a sign-in, whatever the refresh is refused for': async () => {
    const refused = async (session, code) => assert.rejects(session.refresh(session.tokens.accessToken), (e) => e instanceof SignedOut && e.message === code);
    const { session } = await signIn();
    assert.deepEqual(await session.execute(SIGN_OUT), { data: { signOut: { ok: true } } });
    await assert.rejects(session.execute(HOME), SignedOut);
    await refused(session, 'REFRESH_TOKEN_IS_NOT_VALID');
    session.tokens.refreshToken = 'mistaken';
    await refused(session, 'UNAUTHENTICATED');
    const { session: old } = await signIn();
    await control(`/clock/${15 * 24 * 60}`);
    await refused(old, 'TOKEN_IS_EXPIRED');
  },

  'the feed goes on behind a break, and behind the end of the token': async () => {
    const { session, saved } = await signIn();
    let connections = 0;
    const feed = listen(session, undefined, { opened: () => connections++ });
    await feed.until('ready ');
    await upload(session, 1);
    await feed.until('next 1');
    assert.ok(connections > 0, "an option took the place of follow's own");
    isDown = true;
    opened.at(-1).terminate();
    await control('/subscribers/0');
    await upload(session, 2);
    isDown = false;
    await feed.untilResumed('next 2 recovered');
    await upload(session, 3);
    await feed.until('next 3');

    await control('/clock/16');
    opened.at(-1).terminate();
    await upload(session, 4);
    await feed.untilResumed('next 4 recovered');
    assert.equal(saved.length, 1);
    feed.stop();
    await control('/subscribers/0');

    const again = listen(session, feed.events[1].cursor);
    await again.untilResumed('next 3 recovered', 'next 4');
    again.stop();
    await control('/subscribers/0');
  },

  'what happens once the feed is ready is an event of it': async () => {
    const { session } = await signIn();
    const feed = listen(session, undefined, { ready: () => upload(session, 5) });
    await feed.until('ready ', 'next 5');
    feed.stop();
    await control('/subscribers/0');
  },

  'a cursor that is of no use is forgotten, and the feed begins anew': async () => {
    const { session } = await signIn();
    const wrong = listen(session, 'mistaken');
    await wrong.untilBegun('missed CURSOR_NOT_VALID');
    await upload(session, 6);
    await wrong.until('next 6');
    wrong.stop();
    await control('/subscribers/0');

    await control(`/clock/${8 * 24 * 60}`);
    const old = listen(session, wrong.events[0].cursor);
    await old.untilBegun('missed CURSOR_EXPIRED');
    await upload(session, 7);
    await old.until('next 7');
    old.stop();
    await control('/subscribers/0');
  },

  'a failed refresh is tried again by the feed': async () => {
    const { session } = await signIn();
    await control('/clock/16');
    const feed = await new Promise((resolve) => {
      const answers = [async () => Promise.reject(new TypeError('fetch failed')), failing('TOO_MANY_REQUESTS', 429)];
      refreshing((pass) => (answers.shift() ?? pass)(), async () => {
        const made = listen(session);
        await made.until('ready ');
        resolve(made);
      });
    });
    await upload(session, 8);
    await feed.until('next 8');
    feed.stop();
    await control('/subscribers/0');
  },

  'the feed of a session that has ended says so, and ends': async () => {
    const { session } = await signIn();
    const feed = listen(session);
    await feed.until('ready ');
    await post(family.url, SIGN_OUT, {}, withToken(session.tokens.accessToken));
    await feed.until('signedOut ');
    const { session: old } = await signIn();
    await control(`/clock/${15 * 24 * 60}`);
    const late = listen(old);
    await late.until('signedOut ');
  },

  'the feed connects again unless its version is not served any more': async () => {
    const closings = [[1001, 'Restarting, retry in 20 ms'], [1011, 'Internal server error. Please try again later.'], [4410, 'Slow reader'], [4426, 'Upgrade required']];
    const server = new WebSocketServer({ port: 0 });
    const inits = [];
    server.on('connection', (socket) => socket.once('message', (init) => (inits.push(JSON.parse(init).payload), socket.close(...closings.shift()))));
    const url = `http://127.0.0.1:${server.address().port}`;
    const feed = listen(new Session(url, { accessToken: 'x', refreshToken: 'y' }, () => {}, APP));
    await feed.until('upgradeRequired ');
    assert.deepEqual(closings, []);
    assert.deepEqual(inits, Array(4).fill({ ...APP, Authorization: 'Bearer x' }));
    server.close();
  },
};

for (const [name, test] of Object.entries(tests)) {
  opened = [];
  await test().catch((e) => {
    throw new Error(name, { cause: e });
  });
}
assert.equal(opened.length, 4); // of the last test: nothing has connected since
console.log('the guide holds');
