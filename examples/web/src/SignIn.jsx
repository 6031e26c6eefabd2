import { useState } from 'react';
import { gql } from 'urql';
import { connect } from './client.js';

const SIGN_IN = gql`
  mutation SignIn($email: String!, $password: String!) {
    signIn(input: { email: $email, password: $password }) {
      tokens { accessToken refreshToken }
    }
  }
`;

export function SignIn({ onSignedIn }) {
  const [failure, setFailure] = useState('');

  async function submit(event) {
    event.preventDefault();
    const { email, password } = Object.fromEntries(new FormData(event.currentTarget));
    const { client, close } = connect();
    const { data, error } = await client.mutation(SIGN_IN, { email, password });
    close();
    if (error) setFailure(error.graphQLErrors[0]?.message ?? 'The server cannot be reached.');
    else onSignedIn(data.signIn.tokens);
  }

  return (
    <form onSubmit={submit}>
      <h1>Sign in</h1>
      <label>
        E-mail
        <input name="email" type="email" autoComplete="username" defaultValue="demo@luxbff.example" required />
      </label>
      <label>
        Password
        <input name="password" type="password" autoComplete="current-password" required />
      </label>
      <button>Sign in</button>
      <p role="alert">{failure}</p>
    </form>
  );
}
