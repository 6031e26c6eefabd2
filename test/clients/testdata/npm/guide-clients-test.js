// Runs the client of examples/web and guide-apollo.js: a screen is read with a token that is too old, an event of the
// feed reaches it, a stream is read beside the feed, a list is read page by page, and a session that has ended is told.
import assert from 'node:assert/strict';
import { gql } from '@apollo/client';
import WebSocket from 'ws';
import * as apollo from './guide-apollo.js';
import * as urql from '../../../../examples/web/src/client.js';
import { Session, SignedOut, post } from './guide.js';

globalThis.WebSocket = WebSocket;
const family = JSON.parse(process.env.FAMILY);
const control = async (path) => assert.equal((await fetch(`${family.control}${path}`)).status, 200);

const HOME = `query Home { childUsers { id device { id lastLogFileId } } }`;
const HISTORY = `query History($id: ID!, $after: String) {
  childUser(id: $id) { id devlogs(first: 2, after: $after) { edges { node { id logFileId } } pageInfo { hasNextPage endCursor } } }
}`;
const SIGN_IN = `mutation SignIn($email: String!, $password: String!) {
  signIn(input: { email: $email, password: $password }) { tokens { accessToken refreshToken } }
}`;
const UPLOAD = `mutation Upload($logs: [DevlogInput!]!) { uploadDevlogs(input: { logs: $logs }) { devlogs { id } } }`;

async function signIn() {
  const { data } = await post(family.url, SIGN_IN, { email: family.email, password: 'secret123' });
  let saved = 0;
  return { session: new Session(family.url, data.signIn.tokens, () => saved++), saved: () => saved };
}

async function upload(session, logFileId) {
  const log = {
    childUserId: family.childId, deviceId: family.deviceId, uniqueId: family.uniqueId,
    treatmentDate: `2025-02-21T15:48:${10 + logFileId}`, finishFlag: 'BUTTON_SHUTDOWN', lastIntensity: 3, treatmentTime: 600, logFileId,
  };
  assert.equal((await session.execute(UPLOAD, { logs: [log] })).errors, undefined);
}

// shown gives what a screen shows as it changes: until waits for a number of the last log.
function shown(subscribe) {
  let seen;
  let wake = () => {};
  const running = subscribe((data) => {
    seen = data?.childUsers[0].device.lastLogFileId;
    wake();
  });
  const until = (wanted) =>
    new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error(`${wanted} is not shown, but ${seen}`)), 30_000).unref();
      wake = () => seen === wanted && resolve();
      wake();
    });
  return { until, leave: () => running.unsubscribe() };
}

async function tryUrql() {
  const { session, saved } = await signIn();
  await control('/clock/16');
  const client = urql.makeClient(session, () => assert.fail('signed out'));
  const home = shown((show) => client.query(urql.HOME, {}).subscribe(({ data }) => show(data)));
  await home.until(0);
  assert.equal(saved(), 1);
  const stop = urql.keepFresh(client, session);
  await control('/subscribers/1');
  await upload(session, 1);
  await home.until(1);

  let stream;
  const streamed = new Promise((resolve) => {
    stream = client.subscription('subscription { devlogStatus { devlog { logFileId } } }', {}).subscribe(({ data }) => resolve(data.devlogStatus));
  });
  await control('/subscribers/2');
  await upload(session, 2);
  assert.deepEqual(await streamed, { devlog: { logFileId: 2 } });
  stream.unsubscribe();
  await home.until(2);
  home.leave();
  stop();
  await control('/subscribers/0');

  const { session: ended } = await signIn();
  assert.equal((await ended.execute('mutation SignOut { signOut { ok } }')).errors, undefined);
  let told = 0;
  const { error } = await urql.makeClient(ended, () => told++).query(urql.HOME, {}).toPromise();
  assert.ok(error.networkError instanceof SignedOut);
  assert.equal(told, 1);
}

async function tryApollo() {
  const { session, saved } = await signIn();
  await control('/clock/16');
  const client = apollo.makeClient(session);
  const home = shown((show) => client.watchQuery({ query: gql(HOME) }).subscribe(({ data }) => show(data)));
  await home.until(2);
  assert.equal(saved(), 1);
  const stop = apollo.keepFresh(client, session);
  await control('/subscribers/1');
  await upload(session, 3);
  await home.until(3);

  const history = { query: gql(HISTORY), variables: { id: family.childId } };
  const list = client.watchQuery(history);
  const listed = list.subscribe(() => {});
  const first = await list.refetch();
  await list.fetchMore({ variables: { after: first.data.childUser.devlogs.pageInfo.endCursor } });
  const { edges, pageInfo } = client.readQuery(history).childUser.devlogs;
  assert.deepEqual([edges.map(({ node }) => node.logFileId), pageInfo.hasNextPage], [[3, 2, 1], false]);
  listed.unsubscribe();
  home.leave();
  stop();
  await control('/subscribers/0');
}

await tryUrql();
await tryApollo();
console.log('the clients of the guide hold');
