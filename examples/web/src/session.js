// The session of the parent who is signed in. It outlives a reload of the page; an app on a phone
// keeps the tokens in the keystore.
import { post, Session, withHeaders } from './guide.js';

const URL_OF_API = new URL('/graphql', location.href).href;
const APP = { 'apollographql-client-name': 'luxbff-web-sample', 'apollographql-client-version': '1.0.0' };
const KEY = 'tokens';

const SIGN_IN = `mutation SignIn($email: String!, $password: String!) {
  signIn(input: { email: $email, password: $password }) { tokens { accessToken refreshToken } }
}`;

const save = (tokens) => localStorage.setItem(KEY, JSON.stringify(tokens));
export const forget = () => localStorage.removeItem(KEY);

// resume gives the session that was kept, or null.
export function resume() {
  const tokens = JSON.parse(localStorage.getItem(KEY));
  if (!tokens) return null;
  const session = new Session(URL_OF_API, tokens, save, APP);
  // A refresh token works once: what another tab has got for it takes its place here as well.
  addEventListener('storage', ({ key, newValue }) => {
    if (key === KEY && newValue) session.tokens = JSON.parse(newValue);
  });
  return session;
}

export async function signIn(email, password) {
  const { data, errors } = await post(URL_OF_API, SIGN_IN, { email, password }, withHeaders(APP));
  if (errors) throw Object.assign(new Error(errors[0].message), errors[0].extensions);
  save(data.signIn.tokens);
  return resume();
}
