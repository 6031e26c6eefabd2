package e2e_test

import (
	"context"
	"regexp"
	"testing"
	"time"

	"luxbff/ent/vocab"
	"luxbff/internal/store"
	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/storetest"
)

// TestRejectedDevlogsCommands: an operator sees what was rejected, and why.
func TestRejectedDevlogsCommands(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	db := storetest.OpenAt(t, url)
	at := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for range 2 {
			parent, err := tx.User.Create().SetRegisterType(vocab.RegisteredLocally).SetCreatedAt(at).Save(ctx)
			if err != nil {
				return err
			}
			err = tx.RejectedDevlog.Create().SetRootUserID(parent.ID).SetDigest("d1").SetRecord(`{"childUserId":7}`).
				SetCode("NOT_FOUND_USER").SetField("childUserId").SetTimes(3).SetCreatedAt(at).SetRejectedAt(at.Add(time.Hour)).Exec(ctx)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args  []string
		well  bool
		wants string
	}{
		{[]string{"list"}, true, `(?s)2 .*2026-11-30 10:00:00 +2 +NOT_FOUND_USER +childUserId +3\n1 .* 1 `},
		{[]string{"list", "--user", "1"}, true, `^ID .*TIMES\n1 .*\n$`},
		{[]string{"list", "--limit", "1"}, true, `^ID .*TIMES\n2 .*\n$`},
		{[]string{"list", "--limit", "0"}, false, `--limit must be at least 1`},
		{[]string{"show", "2"}, true, `(?s)account +2\n.*code +NOT_FOUND_USER\n.*times +3\n.*first sent +2026-11-30T09:00:00Z\n.*record +\{"childUserId":7\}`},
		{[]string{"show", "9"}, false, `there is no rejected devlog 9`},
	} {
		out, err := processtest.Command(t, url, append([]string{"devlogs", "rejected"}, c.args...)...).CombinedOutput()
		if (err == nil) != c.well || !regexp.MustCompile(c.wants).Match(out) {
			t.Errorf("%v: %v\n%s\nwant %s", c.args, err, out, c.wants)
		}
	}
}
