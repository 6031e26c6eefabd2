//go:build upgrade

package upgrade_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/demo"
	"luxbff/internal/testutil/processtest"
)

// TestUpgradeOfAFile upgrades an installation on SQLite as the book says: stop, migrate,
// start. Everybody is still signed in and sees what they saw, and the old release refuses
// the file from then on.
func TestUpgradeOfAFile(t *testing.T) {
	t.Parallel()
	everybody := &people{}
	database := "file:" + filepath.Join(t.TempDir(), "luxbff.db")
	oldRelease.mustRun(t, database, "migrate")
	importDevices(t, database)
	before := processtest.Start(t, oldRelease.command(t, database))
	old := &client{t: t, urls: []string{before.URL}}
	travelled := t.Run("before", func(t *testing.T) { travel(t, everybody, old.urls) })
	who := everybody.next()
	family := old.newFamily(who)
	for file := range 5 {
		if err := family.Upload(before.URL, file+1); err != nil {
			t.Fatal(err)
		}
	}
	local := old.rest(http.StatusOK, http.MethodPost, "/auth/register_local", "", `{"id": "longlived", "password": "abcd1234"}`)
	session := old.mutateForTokens(fmt.Sprintf(`signIn(input: {email: %q, password: %q})`, who.email, password))
	people := []string{
		family.Token, old.text(local, "token"),
		old.mutateForTokens(fmt.Sprintf(`signIn(input: {email: %q, password: %q})`, demo.Email, demo.Password)).AccessToken,
	}
	var seen [][]string
	for _, token := range people {
		seen = append(seen, old.sees(token))
	}
	before.Terminate(t)
	before.WaitForExit(t)

	thisRelease.mustRun(t, database, "migrate")
	checkRefused(t, database)
	after := processtest.Start(t, thisRelease.command(t, database))
	upgraded := &client{t: t, urls: []string{after.URL}}
	for i, token := range people {
		if diff := cmp.Diff(seen[i], upgraded.sees(token)); diff != "" {
			t.Errorf("account %d (-old +new):\n%s", i, diff)
		}
	}
	refreshed := upgraded.mutateForTokens(fmt.Sprintf(`refreshToken(input: {refreshToken: %q})`, session.RefreshToken))
	upgraded.graphQL(refreshed.AccessToken, `{ me { sessions { id lastUsedAt isCurrent } } }`, nil, nil)
	if err := family.Upload(after.URL, 6); err != nil {
		t.Error(err)
	}
	if travelled {
		t.Run("after", func(t *testing.T) { travel(t, everybody, upgraded.urls) })
	}
}
