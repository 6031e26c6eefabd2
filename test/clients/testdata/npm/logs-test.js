// Runs logs.js: a phone reads all logs of two children, is away for longer than the feed is kept,
// and catches up with a log that was completed, new ones, and a child that was deleted.
import assert from 'node:assert/strict';
import { Session, post } from './guide.js';
import { catchUp, catchUpAll } from './logs.js';

const family = JSON.parse(process.env.FAMILY);
const SIGN_IN = `mutation SignIn($email: String!, $password: String!) {
  signIn(input: { email: $email, password: $password }) { tokens { accessToken refreshToken } }
}`;
const UPLOAD = `mutation Upload($logs: [DevlogInput!]!) { uploadDevlogs(input: { logs: $logs }) { devlogs { id } } }`;
const CHILDREN = `query Children { childUsers { id device { id uniqueId } } }`;
const DELETE = `mutation Delete($child: ID!, $uniqueId: String!) {
  deleteChildUser(input: { childUserId: $child, uniqueId: $uniqueId }) { childUserId }
}`;

const signedIn = await post(family.url, SIGN_IN, { email: family.email, password: 'secret123' });
const session = new Session(family.url, signedIn.data.signIn.tokens, () => {});
let pages = 0;
const execute = async (query, variables) => {
  if (query.includes('updatedAfter')) pages++;
  const { data, errors } = await session.execute(query, variables);
  return { data, errors };
};
const data = async (query, variables) => {
  const answer = await execute(query, variables);
  assert.equal(answer.errors, undefined);
  return answer.data;
};
const phone = { execute };

const { childUsers } = await data(CHILDREN);
const child = childUsers.find(({ id }) => id === family.childId);
const sister = childUsers.find(({ id }) => id !== family.childId);
const log = (of, logFileId, more) => ({
  childUserId: of.id, deviceId: of.device.id, uniqueId: of.device.uniqueId,
  treatmentDate: new Date(Date.UTC(2025, 1, 1, logFileId)).toISOString().slice(0, 19),
  finishFlag: 'NORMAL_SHUTDOWN', lastIntensity: 3, treatmentTime: 600, logFileId, ...more,
});
const upload = (...logs) => data(UPLOAD, { logs });

await upload(...Array.from({ length: 205 }, (_, i) => log(child, i + 1)));
await upload(log(child, 206, { finishFlag: null, logFileId: null }));
await upload(log(sister, 1));

const children = new Map();
await catchUpAll(phone, children);
assert.deepEqual([...children].map(([id, { logs }]) => [id, logs.size]).sort(), [[child.id, 206], [sister.id, 1]].sort());
assert.equal(pages, 4); // three of the one child, one of the other
const isRunning = ({ status }) => status === 'TEMPORARY';
const kept = children.get(child.id);
const [running, ...others] = [...kept.logs.values()].filter(isRunning);
assert.ok(running);
assert.deepEqual(others, []);

const ofSister = { ...children.get(sister.id) };
assert.equal((await fetch(`${family.control}/clock/${8 * 24 * 60}`)).status, 200);
await upload(log(child, 206));
await upload(log(child, 207), log(child, 208));
await data(DELETE, { child: sister.id, uniqueId: sister.device.uniqueId });
pages = 0;
await catchUpAll(phone, children);
assert.equal(pages, 1);
assert.deepEqual([...children.keys()], [child.id]);
assert.equal(kept.logs.size, 208);
assert.equal(kept.logs.get(running.id).status, 'COMPLETE');

const anew = { logs: new Map(), cursor: '' };
await catchUp(phone, child.id, anew);
assert.deepEqual(kept, anew);

await catchUpAll(phone, children); // nothing has changed
assert.deepEqual(kept, anew);
await assert.rejects(catchUp(phone, sister.id, ofSister), { code: 'REAL_USER_IS_NOT_FOUND' });
console.log('the phone has caught up');
