const PREFIX = 'luxbff:';
const TABS = 'graphiql:tabState';

// What stands in the storage for a header value that the server gave: its
// token is never written down, and a page opened later finds the new one there.
const placeholder = (name) => `{{server ${name}}}`;

/**
 * The storage GraphiQL keeps its tabs and settings in: the browser's own, under
 * names that other programs served from the same address don't use. Once sealed it
 * takes nothing more from this page, which writes its tabs half a second late.
 */
export function createStorage(serverHeaders) {
  const pairs = Object.entries(serverHeaders).map(([name, value]) => [placeholder(name), value]);
  let sealed = false;
  const keys = () => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
  return {
    getItem: (key) => pairs.reduce((text, [mark, value]) => text?.replaceAll(mark, value), localStorage.getItem(PREFIX + key)) ?? null,
    setItem: (key, text) => {
      if (!sealed) localStorage.setItem(PREFIX + key, pairs.reduce((text, [mark, value]) => text.replaceAll(value, mark), text));
    },
    seal: () => {
      sealed = true;
    },
    removeItem: (key) => localStorage.removeItem(PREFIX + key),
    clear: () => keys().forEach((key) => localStorage.removeItem(key)),
    get length() {
      return keys().length;
    },
  };
}

/**
 * The tabs to open with: those of the last visit, on the first one the samples.
 * GraphiQL takes the open tab's texts apart from the list of tabs, hence `active`.
 */
export function openTabs(storage, samples, headers) {
  const stored = readTabs(storage);
  if (!stored) writeTabs(storage, { activeTabIndex: 0, tabs: samples.map((sample) => createTab(sample, headers)) });
  const { tabs, activeTabIndex } = readTabs(storage) ?? { tabs: [] };
  return { firstVisit: !stored, active: tabs[activeTabIndex] ?? tabs[0] };
}

/** Adds the samples whose text no tab holds any more, and opens the first of them. */
export function restoreSamples(storage, samples, headers) {
  const tabs = readTabs(storage)?.tabs ?? [];
  const missing = samples.filter((sample) => !tabs.some((tab) => tab.query === sample.query));
  if (missing.length === 0) return;
  writeTabs(storage, { activeTabIndex: tabs.length, tabs: [...tabs, ...missing.map((sample) => createTab(sample, headers))] });
}

function readTabs(storage) {
  try {
    const state = JSON.parse(storage.getItem(TABS));
    return state?.tabs?.length > 0 ? state : null;
  } catch {
    return null;
  }
}

function writeTabs(storage, state) {
  if (state.tabs.length > 0) storage.setItem(TABS, JSON.stringify(state));
}

function createTab({ query, variables }, headers) {
  const operationName = /^\s*(?:query|mutation|subscription)\s+(\w+)/m.exec(query)?.[1] ?? null;
  return {
    id: `${operationName}-${Date.now()}-${Math.random()}`,
    title: operationName ?? '<untitled>',
    query,
    variables: variables || null,
    headers,
    operationName,
    response: null,
  };
}
