//go:build replicas

package e2e_test

import (
	"bufio"
	"context"
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

	"luxbff/internal/auth"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/clustertest"
	"luxbff/internal/testutil/natstest"
	"luxbff/internal/testutil/pgtest"
	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/storetest"
)

// TestReplicasMigrateTogether starts three migrations at once: the first migrates,
// and the others wait for it.
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
	startOn(t, database)
}

// TestEveryReplicaSendsTheEvent uploads through the balancer and subscribes at each
// replica. An event that comes later than five seconds was probably found by the
// poll, every ten seconds, and not by a notification: without notifications half of
// the events of the other replicas would come as late as that.
func TestEveryReplicaSendsTheEvent(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "")
	family := c.newFamily(t)
	var listeners []*listener
	for _, s := range c.replicas {
		listeners = append(listeners, listen(t, s.URL, family))
	}
	file := 0
	upload := func() time.Time {
		t.Helper()
		file++
		if err := family.Upload(c.balancer.URL, file); err != nil {
			t.Fatalf("upload %d: %v", file, err)
		}
		return time.Now()
	}
	for _, l := range listeners {
		testutil.WaitFor(t, "the subscription has started", func() bool { upload(); return len(l.arrivals) > 0 })
	}
	var took []time.Duration
	late := 0
	for range 300 {
		answered := upload()
		for _, l := range listeners {
			after := l.waitFor(t, file).Sub(answered)
			if took = append(took, after); after > 5*time.Second {
				late++
			}
		}
		if late > 5 {
			t.Fatalf("%d of %d events came as late as by a poll: notifications are lost", late, len(took))
		}
	}
	slices.Sort(took)
	t.Logf("of %d events, from the upload's answer: median %v, 99 %% within %v, all within %v",
		len(took), took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
}

// checkStored checks the family's rows: each log file from 1 to the last once, and
// an event for each, in the same order.
func (c *cluster) checkStored(t *testing.T, of *clustertest.Family, last int) {
	t.Helper()
	logs := c.column(t, `SELECT log_file_id FROM devlogs WHERE root_user_id = $1 ORDER BY log_file_id`, of.RootUserID)
	events := c.column(t, `SELECT log_file_id FROM devlog_events WHERE root_user_id = $1 ORDER BY seq`, of.RootUserID)
	if diff := cmp.Diff(upTo(last), logs); diff != "" {
		t.Errorf("acknowledged and stored differ (-acknowledged +stored):\n%s", diff)
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

func (c *cluster) column(t *testing.T, query string, args ...any) []int {
	t.Helper()
	numbers, err := pgtest.Ints(t.Context(), c.home.App.Config.DatabaseURL, query, args...)
	if err != nil {
		t.Fatal(err)
	}
	return numbers
}

// TestReplicasShareState does one half of an action at one replica and the other half
// at another: codes and their attempts, sessions, tokens, consent, blocked accounts.
func TestReplicasShareState(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "")
	here, there, third := c.replicas[0], c.replicas[1], c.replicas[2]
	t.Run("codes and their attempts", func(t *testing.T) {
		t.Parallel()
		const phone = "+821033334444"
		verify := func(s *server, code string) string {
			return s.execute(t, "", fmt.Sprintf(`mutation { verifySmsCode(input: {phone: %q, code: %q}) { validToken } }`, phone, code), nil)
		}
		if code := verify(here, c.sendCode(t, phone)); code != "" {
			t.Errorf("a code that another replica sent: %s", code)
		}
		right := c.sendCode(t, phone)
		for i := range 5 {
			if code := verify(c.replicas[i%3], wrongCode(right)); code == "" {
				t.Errorf("wrong code %d is accepted", i+1)
			}
		}
		if code := verify(there, right); code == "" {
			t.Error("the right code is accepted after five wrong ones at several replicas")
		}
	})
	t.Run("signing out", func(t *testing.T) {
		t.Parallel()
		family := c.newFamily(t)
		socket := there.subscribe(t, family.Token, `subscription { devlogStatus { cursor } }`)
		here.graphQL(t, family.Token, `mutation { signOut { ok } }`, &struct{}{})
		if _, _, err := socket.ReadMessage(); !websocket.IsCloseError(err, 4403) {
			t.Errorf("the socket at another replica ends with %v", err)
		}
		if code := third.execute(t, family.Token, `{ me { id } }`, nil); code != "UNAUTHENTICATED" {
			t.Errorf("the token at another replica: %q", code)
		}
	})
	t.Run("refresh tokens", func(t *testing.T) {
		t.Parallel()
		first := here.tokens(t, fmt.Sprintf(`signIn(input: {email: %q, password: "secret123"})`, c.newEmail(t)))
		rotate := func(p tokenPair) string {
			return fmt.Sprintf(`refreshToken(input: {refreshToken: %q})`, p.RefreshToken)
		}
		second := there.tokens(t, rotate(first))
		third.graphQL(t, second.AccessToken, `{ me { id } }`, &struct{}{})
		for _, s := range []*server{here, third} {
			for _, used := range []tokenPair{first, second} { // the first ends the session
				code := s.execute(t, "", `mutation { `+rotate(used)+` { tokens { accessToken } } }`, nil)
				if code != "REFRESH_TOKEN_IS_NOT_VALID" {
					t.Errorf("a refresh token that was used elsewhere: %q", code)
				}
			}
		}
	})
	t.Run("consent", func(t *testing.T) {
		t.Parallel()
		family := c.newFamily(t)
		for _, agreed := range []bool{true, false} {
			here.graphQL(t, family.Token, fmt.Sprintf(
				`mutation { updatePolicy(input: {isMarketingAgree: %t}) { policy { isMarketingAgree } } }`, agreed), &struct{}{})
			for _, s := range c.replicas {
				var data struct {
					Me struct {
						Policy struct{ IsMarketingAgree bool }
					}
				}
				s.graphQL(t, family.Token, `{ me { policy { isMarketingAgree } } }`, &data)
				if data.Me.Policy.IsMarketingAgree != agreed {
					t.Errorf("another replica doesn't know that consent is %v", agreed)
				}
			}
		}
	})
	t.Run("wrong passwords", func(t *testing.T) {
		t.Parallel()
		email := c.newEmail(t)
		try := func(s *server, password string) string {
			return s.execute(t, "", fmt.Sprintf(
				`mutation { signIn(input: {email: %q, password: %q}) { tokens { accessToken } } }`, email, password), nil)
		}
		for i := range 10 {
			if code := try(c.replicas[i%3], "wrong1234"); code != "PASSWORD_IS_INVALID" {
				t.Errorf("wrong password %d: %q", i+1, code)
			}
		}
		for _, s := range c.replicas {
			if code := try(s, "secret123"); code != "ACCESS_DENIED_ACCOUNT_BLOCKED" {
				t.Errorf("the right password after ten wrong ones: %q", code)
			}
		}
	})
}

func (c *cluster) sendCode(t *testing.T, phone string) (code string) {
	t.Helper()
	if err := c.home.App.Auth.Codes.SendSMS(t.Context(), auth.SendSMSParams{Phone: phone}); err != nil {
		t.Fatal(err)
	}
	return c.home.LastCode(t, phone)
}

// newEmail signs up an account with the password secret123.
func (c *cluster) newEmail(t *testing.T) string {
	t.Helper()
	token, _ := c.home.Parent(t)
	var data struct{ Me struct{ Email string } }
	c.home.Data(t, token, `{ me { email } }`, nil, &data)
	return data.Me.Email
}

func wrongCode(right string) string {
	if right == "111111" {
		return "222222"
	}
	return "111111"
}

type tokenPair struct{ AccessToken, RefreshToken string }

// tokens runs a mutation that gives tokens.
func (s *server) tokens(t *testing.T, mutation string) tokenPair {
	t.Helper()
	var data struct{ Got struct{ Tokens tokenPair } }
	if code := s.execute(t, "", `mutation { got: `+mutation+` { tokens { accessToken refreshToken } } }`, &data); code != "" {
		t.Fatalf("%s: %s", mutation, code)
	}
	return data.Got.Tokens
}

// TestReplicaKilledUnderLoad kills one replica after the other with SIGKILL during
// uploads: what was acknowledged is stored once, and its event comes.
func TestReplicaKilledUnderLoad(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "")
	load := c.startLoad(t)
	for range 2 {
		for i := range c.replicas {
			load.waitForMore(t, 10)
			c.replicas[i].Kill()
			load.waitForMore(t, 10)
			c.replace(t, i)
		}
	}
	load.finish(t, c)
	for _, u := range load.uploaders {
		t.Logf("%d logs acknowledged, %d requests failed in flight", u.Acknowledged(), len(u.Failures))
	}
}

// TestRollingRestartUnderLoad ends one replica after the other with SIGTERM and starts
// another in its place: no request fails, not even one that is half sent when its
// replica stops listening.
func TestRollingRestartUnderLoad(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "")
	load := c.startLoad(t)
	slow := c.newFamily(t)
	for i, s := range c.replicas {
		load.waitForMore(t, 10)
		half := s.sendHalfAnUpload(t, slow, i+1)
		s.Terminate(t)
		testutil.WaitFor(t, "it is not ready", func() bool { return !s.Ready() })
		testutil.WaitFor(t, "it has stopped listening", func() bool { return !listens(t.Context(), s.URL) })
		half.finish(t)
		s.WaitForExit(t)
		load.waitForMore(t, 10)
		c.replace(t, i)
	}
	load.finish(t, c)
	for _, u := range load.uploaders {
		t.Logf("%d logs acknowledged", u.Acknowledged())
		for range len(u.Failures) {
			t.Errorf("a request failed: %v", <-u.Failures)
		}
	}
	for _, phone := range load.followers {
		if phone.EndsByServer() == 0 || phone.Connections() > 1+phone.EndsByServer() {
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

// halfRequest is an upload of whose body only one half was sent.
type halfRequest struct {
	conn net.Conn
	rest string
}

func (s *server) sendHalfAnUpload(t *testing.T, of *clustertest.Family, file int) *halfRequest {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	body := of.Body(file)
	head := fmt.Sprintf("POST /api/v1/lux/device/devlog HTTP/1.1\r\nHost: luxbff\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n",
		of.Token, len(body))
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
	response, err := http.ReadResponse(bufio.NewReader(h.conn), nil)
	if err != nil {
		t.Errorf("a request was cut in its middle: %v", err)
		return
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK || !response.Close {
		t.Errorf("the request that was half sent is answered %s, closing: %v", response.Status, response.Close)
	}
}

// load is four families, each with one phone that uploads and two that follow the
// feed, all through the balancer.
type load struct {
	uploaders []*clustertest.Uploader
	followers []*clustertest.Follower
}

func (c *cluster) startLoad(t *testing.T) *load {
	t.Helper()
	l := &load{}
	for i := range 4 {
		family := c.newFamily(t)
		l.followers = append(l.followers, clustertest.Follow(t, c.balancer.URL, i, family), clustertest.Follow(t, c.balancer.URL, i+1, family))
		l.uploaders = append(l.uploaders, clustertest.StartUploader(t, c.balancer.URL, family))
	}
	for i, phone := range l.followers {
		testutil.WaitFor(t, "the subscription has started", func() bool { return phone.Newest() > 0 })
		phone.From = l.uploaders[i/2].Acknowledged()
	}
	return l
}

// waitForMore waits until each uploader has uploaded n more logs and up to as many
// again: the random number makes what the test does next happen at any point of an
// upload.
func (l *load) waitForMore(t *testing.T, n int) {
	t.Helper()
	for _, u := range l.uploaders {
		goal := u.Acknowledged() + n + rand.IntN(n)
		testutil.WaitFor(t, "more logs are uploaded", func() bool { return u.Acknowledged() >= goal })
	}
}

// finish ends the uploads, waits until every phone has the event of the last one, and
// checks what was stored and what the phones received.
func (l *load) finish(t *testing.T, in *cluster) {
	t.Helper()
	for _, u := range l.uploaders {
		u.Stop()
		in.checkStored(t, u.Family, u.Acknowledged())
	}
	for i, phone := range l.followers {
		last := l.uploaders[i/2].Acknowledged()
		testutil.WaitFor(t, "the last event has come", func() bool { return phone.Newest() >= int64(last) })
		phone.Stop()
		if err := phone.Check(upTo(last)[phone.From:]); err != nil {
			t.Errorf("%s: %v", phone.Request.Transport, err)
		}
	}
}

// TestReplicasWithoutNATS stops NATS under a running cluster and starts it again:
// meanwhile events come by the poll, and then at once as before.
func TestReplicasWithoutNATS(t *testing.T) {
	t.Parallel()
	nats := natstest.Start(t)
	c := startCluster(t, nats.URL())
	family := c.newFamily(t)
	feed := listen(t, c.replicas[0].URL, family)
	file := 0
	upload := func() {
		t.Helper()
		file++
		if err := family.Upload(c.replicas[1].URL, file); err != nil {
			t.Fatal(err)
		}
	}
	testutil.WaitFor(t, "the subscription has started", func() bool { upload(); return len(feed.arrivals) > 0 })
	nats.Stop()
	for _, s := range c.replicas {
		testutil.WaitFor(t, "it is degraded", func() bool { return readiness(t, s) == "degraded" })
	}
	upload()
	feed.waitFor(t, file) // by the poll
	socket := c.replicas[2].subscribe(t, family.Token, `subscription { devlogStatus { cursor } }`)
	nats.Restart()
	for _, s := range c.replicas {
		testutil.WaitFor(t, "it is ready again", func() bool { return readiness(t, s) == "ok" })
	}
	upload()
	feed.waitFor(t, file)
	c.checkStored(t, family, file)
	c.replicas[1].graphQL(t, family.Token, `mutation { signOut { ok } }`, &struct{}{})
	for {
		if _, _, err := socket.ReadMessage(); err != nil {
			if !websocket.IsCloseError(err, 4403) {
				t.Errorf("the socket after the sign-out: %v", err)
			}
			return
		}
	}
}

// readiness is the status in the body of /readyz, whatever the HTTP status.
func readiness(t *testing.T, s *server) string {
	t.Helper()
	response, err := http.Get(s.URL + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var body struct{ Status string }
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return body.Status
}
