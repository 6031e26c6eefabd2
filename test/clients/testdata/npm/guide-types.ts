// An app in strict TypeScript that uses guide.js: it compiles only where that says which types it has.
// The lines marked as errors must be errors.
import { follow, post, Session, SignedOut, type Tokens } from './guide.js';

export async function start(url: string, tokens: Tokens, after: string | null): Promise<() => void> {
  const session = new Session(url, tokens, (saved) => localStorage.setItem('tokens', JSON.stringify(saved)));
  const { data, errors } = await session.execute('query Home { me { id } }');
  const codes: string[] = errors?.map((e) => e.extensions.code) ?? [];
  // @ts-expect-error The variables are an object.
  await post(url, 'query Home { me { id } }', 'first');
  // @ts-expect-error The listener is incomplete.
  follow(session, {});
  const stop = follow(session, {
    after: after ?? undefined,
    next: (event, { recovered }) => {
      const childUserId: string = event.devlog.childUser.id;
      // @ts-expect-error A log may be without a number.
      const logFileId: number = event.devlog.logFileId;
      console.log(data, codes, childUserId, logFileId, recovered);
    },
    missed: (code) => console.log(code.toLowerCase()),
  });
  await session.refresh(tokens.accessToken).catch((e: unknown) => {
    if (e instanceof SignedOut) stop();
  });
  return stop;
}
