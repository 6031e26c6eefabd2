package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"luxbff/ent"
	"luxbff/ent/installation"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

const (
	// maxInstallations is how many an account is remembered to have signed in from. A family
	// has a few; the rest are those of apps that were removed.
	maxInstallations = 50
	// installationRetention is how long one stays known that does not sign in.
	installationRetention = 400 * 24 * time.Hour
)

// noteInstallation remembers from where the account signs in, and has its devices pushed a
// message when that is a place that it did not know. The first place of an account is where
// it signs up: that one, and that of an account from before places were remembered, is
// learnt in silence. Nothing here refuses a sign-in.
func (s *Sessions) noteInstallation(ctx context.Context, tx *store.Tx, u *ent.User) error {
	now := s.now()
	said := describeInstallation(viewer.ClientFrom(ctx))
	known, err := tx.Installation.Update().
		Where(installation.RootUserID(u.ID), installation.DigestIn(s.digest.all(said...)...)).
		SetUsedAt(now).
		Save(ctx)
	if err != nil {
		return fmt.Errorf("use an installation: %w", err)
	}
	if known > 0 {
		return nil
	}
	others, err := tx.Installation.Query().
		Where(installation.RootUserID(u.ID)).
		Order(ent.Desc(installation.FieldUsedAt, installation.FieldID)).
		IDs(ctx)
	if err != nil {
		return fmt.Errorf("read installations: %w", err)
	}
	if len(others) >= maxInstallations {
		_, err := tx.Installation.Delete().Where(installation.IDIn(others[maxInstallations-1:]...)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("drop the oldest installations: %w", err)
		}
	}
	// Two sign-ins from one place at once make one row, and one message.
	result, err := tx.Exec(ctx,
		`INSERT INTO installations (root_user_id, digest, created_at, used_at) VALUES ($1, $2, $3, $4) ON CONFLICT (root_user_id, digest) DO NOTHING`,
		u.ID, s.digest.of(said...), now, now)
	if err != nil {
		return fmt.Errorf("store an installation: %w", err)
	}
	stored, err := result.RowsAffected()
	if err != nil || stored == 0 || len(others) == 0 {
		return err
	}
	name, version := clientApp(ctx)
	return s.push.NewSignIn(ctx, tx, u, name, version)
}

// describeInstallation gives what tells one installation from others: the id that the app
// gives itself or, for one that gives none, its name and its User-Agent. Of that the numbers
// are left out, as an update of the app or of the phone makes nobody a stranger.
func describeInstallation(said viewer.Client) []string {
	if said.InstallationID != nil {
		return []string{"id", *said.InstallationID}
	}
	agent := strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c == '.' || c == '_' {
			return -1
		}
		return c
	}, said.UserAgent)
	return []string{"agent", said.AppName, agent}
}
