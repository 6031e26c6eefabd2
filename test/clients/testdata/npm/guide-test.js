// Runs guide.js: signs in, goes on behind the end of the access token, and follows the feed across a break.
import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { Session, SignedOut, follow } from './guide.js';

const family = JSON.parse(process.env.FAMILY);
const control = async (path) => assert.equal((await fetch(`${family.control}${path}`)).status, 200);

const HOME = `query Home { me { id } childUsers { id } }`;
const SIGN_IN = `mutation SignIn($email: String!, $password: String!) {
  signIn(input: { email: $email, password: $password }) { tokens { accessToken refreshToken } }
}`;
const UPLOAD = `mutation Upload($logs: [DevlogInput!]!) { uploadDevlogs(input: { logs: $logs }) { devlogs { id } } }`;

const saved = [];
const session = new Session(family.url, {}, (tokens) => saved.push(tokens));
const { data } = await session.send(SIGN_IN, { email: family.email, password: 'secret123' });
session.tokens = data.signIn.tokens;

// Two screens that are opened at once, a quarter of an hour later, refresh once.
await control('/clock/16');
const screens = await Promise.all([session.execute(HOME), session.execute(HOME)]);
for (const screen of screens) assert.deepEqual(screen.data, { me: { id: family.id }, childUsers: [{ id: family.childId }] });
assert.equal(saved.length, 1);

const upload = async (logFileId) => {
  const log = {
    childUserId: family.childId, deviceId: family.deviceId, uniqueId: family.uniqueId,
    treatmentDate: `2025-02-21T15:48:${10 + logFileId}`, finishFlag: 'BUTTON_SHUTDOWN', lastIntensity: 3, treatmentTime: 600, logFileId,
  };
  assert.deepEqual((await session.execute(UPLOAD, { logs: [log] })).errors, undefined);
};

// The connection breaks, and a log comes while it is down.
const events = [];
let wake = () => {};
const arrived = (n) =>
  new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`event ${n} did not come`)), 60_000).unref();
    wake = () => events.length >= n && resolve();
    wake();
  });
let socket;
let isDown = false;
class Socket extends WebSocket {
  constructor(...args) {
    super(...args);
    socket = this;
    if (isDown) setImmediate(() => this.terminate());
  }
}
const stop = follow(session, undefined, (event) => (events.push(event), wake()), {
  webSocketImpl: Socket,
  retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
});
await control('/subscribers/1');
await upload(1);
await arrived(1);
isDown = true;
socket.terminate();
await control('/subscribers/0');
await upload(2);
isDown = false;
await arrived(2);
await upload(3);
await arrived(3);
assert.deepEqual(events.map((e) => e.devlog.logFileId), [1, 2, 3]);

// The connection breaks once the token is too old.
await control('/clock/16');
socket.terminate();
await upload(4);
await arrived(4);
assert.deepEqual(events.map((e) => e.devlog.logFileId), [1, 2, 3, 4]);
assert.equal(saved.length, 2);
await stop();

// A session that has ended needs a sign-in.
await session.execute('mutation { signOutEverywhere { ok } }');
await control('/clock/16');
await assert.rejects(session.refresh(), SignedOut);
console.log('the guide holds');
