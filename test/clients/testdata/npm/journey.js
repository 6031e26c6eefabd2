// The journey that every client makes with the whole program, through an adapter
// that its own script hands over:
//
//   execute(document, variables, token)  gives { data, codes }: the data of the
//                                        response and the codes of its errors
//   subscribe(document, variables, sink) calls sink.next(data), sink.error(error) and
//                                        sink.complete(), and gives a function that
//                                        leaves the subscription
//
// The environment variable FAMILY describes whom the script acts for: the URL, the
// access token, a child and its device, the URL of the test's own server that tells
// how many subscribe, and the first log file number that is free.
import assert from 'node:assert/strict';

export const family = JSON.parse(process.env.FAMILY);

const home = `query Home { me { __typename id } childUsers { __typename id firstName device { __typename id deviceAlias } } }`;
const child = `query Child($id: ID!) { childUser(id: $id) { __typename id firstName } }`;
const rename = `mutation Rename($input: UpdateDeviceAliasInput!) {
  updateDeviceAlias(input: $input) { __typename device { __typename id deviceAlias } }
}`;
const upload = `mutation Upload($logs: [DevlogInput!]!) {
  uploadDevlogs(input: { logs: $logs }) { __typename devlogs { __typename id status } }
}`;
const feed = `subscription Feed { devlogStatus {
  __typename change devlog { __typename id logFileId } device { __typename id lastLogFileId }
} }`;

// untilSubscribers waits until exactly n subscriptions are open on the server.
async function untilSubscribers(n) {
  const answer = await fetch(`${family.control}/subscribers/${n}`);
  assert.equal(answer.status, 200);
}

function log(logFileId, finishFlag) {
  return {
    childUserId: family.childId,
    deviceId: family.deviceId,
    uniqueId: family.uniqueId,
    treatmentDate: `2025-02-21T${logFileId}:48:49`,
    lastIntensity: 3,
    treatmentTime: 600,
    logFileId,
    finishFlag,
  };
}

async function reads({ execute }) {
  const { data, codes } = await execute(home, {}, family.token);
  assert.deepEqual(codes, []);
  assert.equal(data.me.id, family.id);
  assert.deepEqual(data.childUsers.map((c) => [c.id, c.firstName, c.device.id]), [[family.childId, 'test', family.deviceId]]);
}

async function changes({ execute }) {
  const input = { deviceId: family.deviceId, childUserId: family.childId, deviceAlias: 'left knee' };
  const { data, codes } = await execute(rename, { input }, family.token);
  assert.deepEqual(codes, []);
  assert.equal(data.updateDeviceAlias.device.deviceAlias, 'left knee');
}

async function isRefused({ execute }) {
  const missing = await execute(child, { id: '999999' }, family.token);
  assert.deepEqual(missing.codes, ['REAL_USER_IS_NOT_FOUND']);
  const stranger = await execute(home, {}, undefined);
  assert.ok(stranger.codes.length > 0 && stranger.codes.every((c) => c === 'UNAUTHENTICATED'), `${stranger.codes}`);
  const bad = await execute(child, { id: '' }, family.token);
  assert.deepEqual(bad.codes, ['INVALID_REQUEST_OR_MISSING_PARAMETERS']);
}

// isTold subscribes, uploads a log that runs, is updated and ends, and leaves.
async function isTold(client, subscribe, firstLogFile) {
  const events = [];
  let failure;
  let wake = () => {};
  const stop = subscribe(feed, {}, {
    next: (data) => (events.push(data.devlogStatus), wake()),
    error: (e) => ((failure = e), wake()),
    complete: () => ((failure ??= new Error('the subscription completed')), wake()),
  });
  await untilSubscribers(1);
  const steps = [
    [log(firstLogFile, null), 'CREATED'],
    [log(firstLogFile + 1, null), 'UPDATED'],
    [log(firstLogFile + 2, 'BUTTON_SHUTDOWN'), 'COMPLETED'],
  ];
  for (const [sent, change] of steps) {
    const notified = new Promise((resolve, reject) => {
      wake = resolve;
      setTimeout(() => reject(new Error(`no event ${change} came`)), 60_000).unref();
    });
    const { codes } = await client.execute(upload, { logs: [sent] }, family.token);
    assert.deepEqual(codes, []);
    await notified;
    assert.ifError(failure);
    const event = events.at(-1);
    assert.equal(event.change, change);
    assert.equal(event.devlog.logFileId, sent.logFileId);
    assert.deepEqual([event.device.id, event.device.lastLogFileId], [family.deviceId, sent.logFileId]);
  }
  assert.equal(events.length, steps.length);
  stop();
  await untilSubscribers(0);
}

// run makes the whole journey. Each transport is the name of one way to subscribe.
export async function run(client, transports) {
  await reads(client);
  await changes(client);
  await isRefused(client);
  let file = 10;
  for (const [name, subscribe] of Object.entries(transports)) {
    await isTold(client, subscribe, file);
    console.log(`${name}: told of three changes`);
    file += 3;
  }
  console.log('the journey is done');
}
