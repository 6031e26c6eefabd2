//go:build faults

package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/subscriptiontest"
	"luxbff/server/app"
)

// home is a server inside the test, at which families sign up and whose database the
// test can read.
func home(t *testing.T) *apptest.Server {
	t.Helper()
	return apptest.Start(t, func(cfg *app.Config) { cfg.TokenKeys = processtest.TokenKeys() })
}

// start starts a server as a process, on the database of the one inside the test.
func start(t *testing.T, s *apptest.Server, settings ...string) *processtest.Process {
	t.Helper()
	serve := processtest.Command(t, s.App.Config.DatabaseURL)
	serve.Env = append(serve.Env, settings...)
	return processtest.Start(t, serve)
}

// TestKilledServer kills the server with SIGKILL twenty times during uploads, and
// starts another on the same database in its place. The phones miss no event of an
// upload that was acknowledged.
func TestKilledServer(t *testing.T) { //nolint:paralleltest // each wants the machine for itself
	const kills = 20
	s := home(t)
	f := newFamily(t, s)
	random := newRandom(t)
	p := start(t, s)
	proxy, err := subscriptiontest.NewProxy(p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	phones := follow(t, s, f, proxy.URL(), 1)
	ctx, stop := context.WithCancel(context.Background())
	var uploading sync.WaitGroup
	defer uploading.Wait()
	defer stop()
	uploading.Go(func() { f.uploads(ctx, proxy.URL(), 4, 1<<30) })
	for range kills {
		before, more := len(f.acknowledged()), 10+random.IntN(60)
		testutil.WaitFor(t, "the uploads go on", func() bool { return len(f.acknowledged()) >= before+more })
		p.Kill()
		p = start(t, s)
		proxy.SetTarget(p.Addr)
	}
	before := len(f.acknowledged())
	testutil.WaitFor(t, "the uploads go on", func() bool { return len(f.acknowledged()) >= before+10 })
	stop()
	uploading.Wait()
	phones.checkAll(t, s, f)
	t.Logf("%d acknowledged, %d failed", len(f.acknowledged()), len(f.failed))
	for _, phone := range phones.all {
		if ends := phone.Ends(); len(ends) > 0 || phone.Connections() < kills {
			t.Errorf("%s: connected %d times, the server ended it: %v", phone.Request.Transport, phone.Connections(), ends)
		}
	}
}

// TestDrainingServer sends SIGTERM to a server with 200 subscriptions during uploads,
// while another on the same database takes over: no upload fails, the subscriptions
// are ended with 1001 and with different hints when to come back, the process ends
// within its ten seconds, and the phones miss no event. Both servers run in
// production, where a server goes on serving for SHUTDOWN_DELAY: without that, a
// connection that the kernel has accepted and the program has not would be lost when
// the listener closes.
func TestDrainingServer(t *testing.T) { //nolint:paralleltest // each wants the machine for itself
	const connections, each = 200, 24 // an account may have 32
	s := home(t)
	f := newFamily(t, s)
	production := []string{"APP_ENV=production", "CONNECTIONS_PER_CLIENT=1000", "PUBLIC_URL=https://luxbff.example"}
	leaving, taking := start(t, s, production...), start(t, s, production...)
	proxy, err := subscriptiontest.NewProxy(leaving.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	phones := follow(t, s, f, proxy.URL(), 3)
	idle := subscribeIdle(t, s, leaving.URL, connections-each, each)
	ctx, stop := context.WithCancel(context.Background())
	var uploading sync.WaitGroup
	defer uploading.Wait()
	defer stop()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 4 {
		uploading.Go(func() {
			for ctx.Err() == nil {
				_ = f.upload(context.WithoutCancel(ctx), client, proxy.URL(), 1) // a failure is kept in failed
			}
		})
	}
	testutil.WaitFor(t, "the uploads are under way", func() bool { return len(f.acknowledged()) >= 100 })

	proxy.SetTarget(taking.Addr) // as a load balancer does before a server is ended
	leaving.Terminate(t)
	hints := map[time.Duration]bool{}
	for _, feed := range idle {
		how := endOf(t, feed)
		if how.Retry <= 0 || how.Code != 0 && how.Code != 1001 {
			t.Errorf("a connection ends with %v", how)
		}
		hints[how.Retry] = true
	}
	if len(hints) < len(idle)/2 {
		t.Errorf("%d connections have only %d different hints when to come back", len(idle), len(hints))
	}
	leaving.WaitForExit(t)
	if text := leaving.Log.String(); strings.Contains(text, `"level":"ERROR"`) {
		t.Errorf("the server logged errors:\n%s", text)
	}
	before := len(f.acknowledged())
	testutil.WaitFor(t, "the uploads go on", func() bool { return len(f.acknowledged()) >= before+100 })
	stop()
	uploading.Wait()
	if len(f.failed) > 0 {
		t.Errorf("%d uploads failed: %v", len(f.failed), f.failed[0])
	}
	phones.checkAll(t, s, f)
	for _, phone := range phones.all {
		ends := phone.Ends()
		if ends["1001"]+ends["retry"]+ends["GOING_AWAY"] != 1 || len(ends) != 1 {
			t.Errorf("%s: the server ended it: %v", phone.Request.Transport, ends)
		}
	}
}

// subscribeIdle opens n subscriptions of accounts that upload nothing, so many for
// each account.
func subscribeIdle(t *testing.T, s *apptest.Server, url string, n, each int) []*subscriptiontest.Subscription {
	t.Helper()
	var token string
	var feeds []*subscriptiontest.Subscription
	transports := subscriptiontest.Transports()
	for i := range n {
		if i%each == 0 {
			token, _ = s.Parent(t)
		}
		transport := transports[i%len(transports)]
		feed, err := subscriptiontest.Open(t.Context(), subscriptiontest.Request{
			URL: url, Token: token, Transport: transport, InstallationID: fmt.Sprint(i),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(feed.Close)
		feeds = append(feeds, feed)
	}
	return feeds
}
