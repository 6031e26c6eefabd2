// What docs/guides/usage-logs.md shows of a phone that catches up. logs-test.js runs it.

const CHANGES = `query Changes($child: ID!, $cursor: String!) {
  childUser(id: $child) {
    devlogs(first: 100, updatedAfter: $cursor) {
      edges { node { id status treatmentDate treatmentTime finishFlag logFileId updatedAt } }
      pageInfo { hasNextPage endCursor }
    }
  }
}`;

/** @typedef {{ id: string, status: string, updatedAt: string }} Log */
/** @typedef {{ logs: Map<string, Log>, cursor: string }} Kept */

/**
 * Brings what is kept of a child up to date. Store the logs of a page together with its cursor:
 * a break then costs no more than the page that it met.
 * @param {import('./guide.js').Session} session
 * @param {string} child
 * @param {Kept} kept
 */
export async function catchUp(session, child, kept) {
  for (let more = true; more; ) {
    const { data, errors } = await session.execute(CHANGES, { child, cursor: kept.cursor });
    if (errors) throw Object.assign(new Error(errors[0].message), errors[0].extensions);
    const { edges, pageInfo } = data.childUser.devlogs;
    for (const { node } of edges) kept.logs.set(node.id, node);
    kept.cursor = pageInfo.endCursor ?? kept.cursor; // an empty page has none
    more = pageInfo.hasNextPage;
  }
}

/**
 * Does so for all children, and forgets those that are not there any more.
 * @param {import('./guide.js').Session} session
 * @param {Map<string, Kept>} children
 */
export async function catchUpAll(session, children) {
  const { data, errors } = await session.execute('query Children { childUsers { id } }', {});
  if (errors) throw Object.assign(new Error(errors[0].message), errors[0].extensions);
  const ids = new Set(data.childUsers.map((/** @type {{ id: string }} */ child) => child.id));
  for (const id of children.keys()) if (!ids.has(id)) children.delete(id);
  for (const id of ids) {
    const kept = children.get(id) ?? { logs: new Map(), cursor: '' };
    children.set(id, kept);
    await catchUp(session, id, kept);
  }
}
