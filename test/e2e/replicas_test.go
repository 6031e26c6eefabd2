//go:build replicas

package e2e_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"
	// The driver registers itself as "pgx".
	_ "github.com/jackc/pgx/v5/stdlib"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/natstest"
	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/storetest"
)

// TestReplicasMigrateTogether: whoever is first migrates, the others wait.
func TestReplicasMigrateTogether(t *testing.T) {
	t.Parallel()
	database := storetest.EmptyPostgresURL(t)
	var together sync.WaitGroup
	for range 3 {
		migrate := processtest.Command(t, database, "migrate")
		together.Go(func() {
			if out, err := migrate.CombinedOutput(); err != nil {
				t.Errorf("migrate: %v\n%s", err, out)
			}
		})
	}
	together.Wait()
	startAt(t, database)
}

// TestUploadIsToldByEveryReplica uploads through the balancer and listens at
// each replica. By the poll alone, every ten seconds, half of what another replica
// tells would take more than five.
func TestUploadIsToldByEveryReplica(t *testing.T) {
	t.Parallel()
	f := startFleet(t, "")
	family := f.newFamily(t, 1)
	var listeners []*listener
	for _, b := range f.replicas {
		listeners = append(listeners, listen(t, b.URL, family))
	}
	file := 0
	upload := func() time.Time {
		t.Helper()
		file++
		if err := family.upload(f.balancer.URL, file); err != nil {
			t.Fatalf("upload %d: %v", file, err)
		}
		return time.Now()
	}
	for _, l := range listeners {
		testutil.WaitFor(t, "the feed stands", func() bool { upload(); return len(l.told) > 0 })
	}
	var took []time.Duration
	late := 0
	for range 300 {
		answered := upload()
		for _, l := range listeners {
			after := l.wait(t, file).Sub(answered)
			if took = append(took, after); after > 5*time.Second {
				late++
			}
		}
		if late > 5 {
			t.Fatalf("%d of %d tellings came as late as a poll: no bell rang", late, len(took))
		}
	}
	slices.Sort(took)
	t.Logf("of %d tellings, from the upload's answer: median %v, 99 %% within %v, all within %v",
		len(took), took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
}

// stored checks the family's rows: each log file from 1 to the last once, and an
// event for each, in the same order.
func (f *fleet) stored(t *testing.T, of *family, last int) {
	t.Helper()
	logs := f.column(t, `SELECT log_file_id FROM devlogs WHERE root_user_id = $1 ORDER BY log_file_id`, of.id)
	events := f.column(t, `SELECT log_file_id FROM devlog_events WHERE root_user_id = $1 ORDER BY seq`, of.id)
	if diff := cmp.Diff(upTo(last), logs); diff != "" {
		t.Errorf("acknowledged is not stored (-acknowledged +stored):\n%s", diff)
	}
	if !slices.Equal(events, logs) {
		t.Errorf("%d logs are stored, the feed has %d events", len(logs), len(events))
	}
}

func upTo(last int) []int {
	files := make([]int, last)
	for i := range files {
		files[i] = i + 1
	}
	return files
}

func (f *fleet) column(t *testing.T, query string, args ...any) (numbers []int) {
	t.Helper()
	db, err := sql.Open("pgx", f.home.App.Config.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, n)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return numbers
}

// TestReplicasShareEveryRight does one half of each thing at one replica and the
// other half at another.
func TestReplicasShareEveryRight(t *testing.T) {
	t.Parallel()
	f := startFleet(t, "")
	here, there, third := f.replicas[0], f.replicas[1], f.replicas[2]
	t.Run("codes and their tries", func(t *testing.T) {
		t.Parallel()
		const phone = "+821033334444"
		verify := func(b *binary, code string) string {
			return b.ask(t, "", fmt.Sprintf(`mutation { verifySmsCode(input: {phone: %q, code: %q}) { validToken } }`, phone, code), nil)
		}
		if code := verify(here, f.sendCode(t, phone)); code != "" {
			t.Errorf("a code that another replica sent: %s", code)
		}
		right := f.sendCode(t, phone)
		for i := range 5 {
			if code := verify(f.replicas[i%3], wrongCode(right)); code == "" {
				t.Errorf("wrong code %d is taken", i+1)
			}
		}
		if code := verify(there, right); code == "" {
			t.Error("the right code is taken after five wrong ones at several replicas")
		}
	})
	t.Run("signing out", func(t *testing.T) {
		t.Parallel()
		family := f.newFamily(t, 1)
		listening := there.subscribe(t, family.token, `subscription { devlogStatus { cursor } }`)
		here.graphQL(t, family.token, `mutation { signOut { ok } }`, &struct{}{})
		if _, _, err := listening.ReadMessage(); !websocket.IsCloseError(err, 4403) {
			t.Errorf("the socket at another replica ends with %v", err)
		}
		if code := third.ask(t, family.token, `{ me { id } }`, nil); code != "UNAUTHENTICATED" {
			t.Errorf("the token at another replica: %q", code)
		}
	})
	t.Run("refresh tokens", func(t *testing.T) {
		t.Parallel()
		first := here.tokens(t, fmt.Sprintf(`signIn(input: {email: %q, password: "secret123"})`, f.newEmail(t)))
		rotate := func(p tokenPair) string {
			return fmt.Sprintf(`refreshToken(input: {refreshToken: %q})`, p.RefreshToken)
		}
		second := there.tokens(t, rotate(first))
		third.graphQL(t, second.AccessToken, `{ me { id } }`, &struct{}{})
		for _, b := range []*binary{here, third} {
			for _, used := range []tokenPair{first, second} { // the first ends the session
				code := b.ask(t, "", `mutation { `+rotate(used)+` { tokens { accessToken } } }`, nil)
				if code != "REFRESH_TOKEN_IS_NOT_VALID" {
					t.Errorf("a refresh token that was used elsewhere: %q", code)
				}
			}
		}
	})
	t.Run("consent", func(t *testing.T) {
		t.Parallel()
		family := f.newFamily(t, 2)
		for _, agreed := range []bool{true, false} {
			here.graphQL(t, family.token, fmt.Sprintf(
				`mutation { updatePolicy(input: {isMarketingAgree: %t}) { policy { isMarketingAgree } } }`, agreed), &struct{}{})
			for _, b := range f.replicas {
				var data struct {
					Me struct {
						Policy struct{ IsMarketingAgree bool }
					}
				}
				b.graphQL(t, family.token, `{ me { policy { isMarketingAgree } } }`, &data)
				if data.Me.Policy.IsMarketingAgree != agreed {
					t.Errorf("another replica doesn't know that consent is %v", agreed)
				}
			}
		}
	})
	t.Run("wrong passwords", func(t *testing.T) {
		t.Parallel()
		email := f.newEmail(t)
		try := func(b *binary, password string) string {
			return b.ask(t, "", fmt.Sprintf(
				`mutation { signIn(input: {email: %q, password: %q}) { tokens { accessToken } } }`, email, password), nil)
		}
		for i := range 10 {
			if code := try(f.replicas[i%3], "wrong1234"); code != "PASSWORD_IS_INVALID" {
				t.Errorf("wrong password %d: %q", i+1, code)
			}
		}
		for _, b := range f.replicas {
			if code := try(b, "secret123"); code != "ACCESS_DENIED_ACCOUNT_BLOCKED" {
				t.Errorf("the right password after ten wrong ones: %q", code)
			}
		}
	})
}

func (f *fleet) sendCode(t *testing.T, phone string) (code string) {
	t.Helper()
	if err := f.home.App.Auth.Codes.SendSMS(t.Context(), phone); err != nil {
		t.Fatal(err)
	}
	return f.home.LastCode(t, phone)
}

// newEmail signs an account up, with the password secret123.
func (f *fleet) newEmail(t *testing.T) string {
	t.Helper()
	token, _ := f.home.Parent(t)
	var data struct{ Me struct{ Email string } }
	f.home.Data(t, token, `{ me { email } }`, nil, &data)
	return data.Me.Email
}

func wrongCode(right string) string {
	if right == "111111" {
		return "222222"
	}
	return "111111"
}

type tokenPair struct{ AccessToken, RefreshToken string }

// tokens runs a mutation that gives some.
func (b *binary) tokens(t *testing.T, mutation string) tokenPair {
	t.Helper()
	var data struct{ Got struct{ Tokens tokenPair } }
	if code := b.ask(t, "", `mutation { got: `+mutation+` { tokens { accessToken refreshToken } } }`, &data); code != "" {
		t.Fatalf("%s: %s", mutation, code)
	}
	return data.Got.Tokens
}

// ask runs an operation and gives the code of its first error, empty without one.
func (b *binary) ask(t *testing.T, token, query string, data any) (code string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	_, raw, err := post(b.URL+"/graphql", token, string(body))
	if err != nil {
		t.Fatal(err)
	}
	reply := struct {
		Data   any
		Errors []struct{ Extensions struct{ Code string } }
	}{Data: data}
	if err := json.Unmarshal(raw, &reply); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	if len(reply.Errors) > 0 {
		return reply.Errors[0].Extensions.Code
	}
	return ""
}

// TestReplicaKilledUnderLoad kills one replica after the other with SIGKILL.
func TestReplicaKilledUnderLoad(t *testing.T) {
	t.Parallel()
	f := startFleet(t, "")
	load := f.startLoad(t)
	for range 2 {
		for i := range f.replicas {
			load.more(t, 10)
			f.replicas[i].Kill()
			load.more(t, 10)
			f.replace(t, i)
		}
	}
	load.finish(t, f)
	for _, u := range load.uploaders {
		t.Logf("%d logs acknowledged, %d requests failed in flight", u.acked.Load(), len(u.failures))
	}
}

// TestRollingRestartUnderLoad replaces one replica after the other with SIGTERM:
// no request fails, not even one that is half sent when its replica stops
// listening.
func TestRollingRestartUnderLoad(t *testing.T) {
	t.Parallel()
	f := startFleet(t, "")
	load := f.startLoad(t)
	slow := f.newFamily(t, 9)
	for i, b := range f.replicas {
		load.more(t, 10)
		half := b.halfAnUpload(t, slow, i+1)
		b.Terminate(t)
		testutil.WaitFor(t, "it is not ready", func() bool { return !b.Ready() })
		testutil.WaitFor(t, "it listens no more", func() bool { return !listens(t.Context(), b.URL) })
		half.finish(t)
		b.WaitForExit(t)
		load.more(t, 10)
		f.replace(t, i)
	}
	load.finish(t, f)
	for _, u := range load.uploaders {
		t.Logf("%d logs acknowledged", u.acked.Load())
		for range len(u.failures) {
			t.Errorf("a request failed: %v", <-u.failures)
		}
	}
	for _, phone := range load.followers {
		if phone.ends() == 0 || phone.Connections() > 1+phone.ends() {
			t.Errorf("%s: connected %d times, the replicas ended %v", phone.Request.Transport, phone.Connections(), phone.Ends())
		}
	}
}

func listens(ctx context.Context, url string) bool {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", strings.TrimPrefix(url, "http://"))
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}

// halfRequest is a request whose body is sent by half.
type halfRequest struct {
	conn net.Conn
	rest string
}

func (b *binary) halfAnUpload(t *testing.T, of *family, file int) *halfRequest {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(b.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	body := of.log(file)
	head := fmt.Sprintf("POST /api/v1/lux/device/devlog HTTP/1.1\r\nHost: luxbff\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n",
		of.token, len(body))
	cut := len(body) / 2
	if _, err := io.WriteString(conn, head+body[:cut]); err != nil {
		t.Fatal(err)
	}
	return &halfRequest{conn, body[cut:]}
}

func (h *halfRequest) finish(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(h.conn, h.rest); err != nil {
		t.Errorf("a request was cut in its middle: %v", err)
		return
	}
	answer, err := http.ReadResponse(bufio.NewReader(h.conn), nil)
	if err != nil {
		t.Errorf("a request was cut in its middle: %v", err)
		return
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK || !answer.Close {
		t.Errorf("the request that was half sent is answered %s, closing: %v", answer.Status, answer.Close)
	}
}

// load is families that upload and follow through the balancer.
type load struct {
	uploaders []*uploader
	followers []*follower
}

func (f *fleet) startLoad(t *testing.T) *load {
	t.Helper()
	l := &load{}
	for serial := range 4 {
		family := f.newFamily(t, serial)
		l.followers = append(l.followers, f.follow(t, serial, family), f.follow(t, serial+1, family))
		l.uploaders = append(l.uploaders, startUploader(t, f.balancer.URL, family))
	}
	for i, phone := range l.followers {
		testutil.WaitFor(t, "the feed stands", func() bool { return phone.Newest() > 0 })
		phone.from = int(l.uploaders[i/2].acked.Load())
	}
	return l
}

// more waits until each phone has uploaded n logs more, and a few by chance, so
// that what comes next comes at any point of an upload.
func (l *load) more(t *testing.T, n int) {
	t.Helper()
	for _, u := range l.uploaders {
		goal := u.acked.Load() + int64(n+rand.IntN(n))
		testutil.WaitFor(t, "more is uploaded", func() bool { return u.acked.Load() >= goal })
	}
}

// finish ends the uploads, waits until every phone was told of the last one, and
// checks what was stored and told.
func (l *load) finish(t *testing.T, in *fleet) {
	t.Helper()
	for _, u := range l.uploaders {
		u.stop()
		in.stored(t, u.of, int(u.acked.Load()))
	}
	for i, phone := range l.followers {
		last := int(l.uploaders[i/2].acked.Load())
		testutil.WaitFor(t, "the last event is told", func() bool { return phone.Newest() >= int64(last) })
		phone.stop()
		if err := phone.Check(upTo(last)[phone.from:]); err != nil {
			t.Errorf("%s: %v", phone.Request.Transport, err)
		}
	}
}

// TestReplicasWithoutNATS takes NATS away from a running fleet and gives it back.
func TestReplicasWithoutNATS(t *testing.T) {
	t.Parallel()
	nats := natstest.Start(t)
	f := startFleet(t, nats.URL())
	family := f.newFamily(t, 1)
	feed := listen(t, f.replicas[0].URL, family)
	file := 0
	upload := func() {
		t.Helper()
		file++
		if err := family.upload(f.replicas[1].URL, file); err != nil {
			t.Fatal(err)
		}
	}
	testutil.WaitFor(t, "the feed stands", func() bool { upload(); return len(feed.told) > 0 })
	nats.Stop()
	for _, b := range f.replicas {
		testutil.WaitFor(t, "it is degraded", func() bool { return readiness(t, b) == "degraded" })
	}
	upload()
	feed.wait(t, file) // by the poll
	listening := f.replicas[2].subscribe(t, family.token, `subscription { devlogStatus { cursor } }`)
	nats.Restart()
	for _, b := range f.replicas {
		testutil.WaitFor(t, "it is well again", func() bool { return readiness(t, b) == "ok" })
	}
	upload()
	feed.wait(t, file)
	f.stored(t, family, file)
	f.replicas[1].graphQL(t, family.token, `mutation { signOut { ok } }`, &struct{}{})
	for {
		if _, _, err := listening.ReadMessage(); err != nil {
			if !websocket.IsCloseError(err, 4403) {
				t.Errorf("the socket after the sign-out: %v", err)
			}
			return
		}
	}
}

// readiness is the status that /readyz tells, whatever the HTTP status.
func readiness(t *testing.T, b *binary) string {
	t.Helper()
	answer, err := http.Get(b.URL + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var told struct{ Status string }
	if err := json.NewDecoder(answer.Body).Decode(&told); err != nil {
		t.Fatal(err)
	}
	return told.Status
}
