import { useState } from 'react';
import { signIn } from './session.js';

export function SignIn({ onSignedIn }) {
  const [failure, setFailure] = useState('');

  async function submit(event) {
    event.preventDefault();
    const { email, password } = Object.fromEntries(new FormData(event.currentTarget));
    try {
      onSignedIn(await signIn(email, password));
    } catch (e) {
      setFailure(e.code ? e.message : 'The server cannot be reached.');
    }
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
