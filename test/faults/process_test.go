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

// home is a server inside the test, where families sign up and rows are looked at.
func home(t *testing.T) *apptest.Server {
	t.Helper()
	return apptest.Start(t, func(cfg *app.Config) { cfg.TokenKeys = processtest.TokenKeys() })
}

// start starts a server of its own on the database of one inside the test.
func start(t *testing.T, s *apptest.Server, settings ...string) *processtest.Process {
	t.Helper()
	serve := processtest.Command(t, s.App.Config.DatabaseURL)
	serve.Env = append(serve.Env, settings...)
	return processtest.Start(t, serve)
}

// TestServerThatIsKilled kills the server with SIGKILL twenty times during
// uploads; another on the same database takes its place. Phones lose nothing that
// was acknowledged.
func TestServerThatIsKilled(t *testing.T) { //nolint:paralleltest // each wants the machine for itself
	const kills = 20
	s := home(t)
	f := newFamily(t, s)
	random := chance(t)
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
	phones.drain(t, s, f)
	t.Logf("%d acknowledged, %d failed", len(f.acknowledged()), len(f.failed))
	for _, one := range phones.all {
		if ends := one.Ends(); len(ends) > 0 || one.Connections() < kills {
			t.Errorf("%s: connected %d times, the server ended it: %v", one.Request.Transport, one.Connections(), ends)
		}
	}
}

// TestServerThatDrains sends SIGTERM to a server with 200 sockets and streams
// during uploads, while another on the same database takes over: no upload fails,
// the sockets are closed with 1001 and spread hints, the process ends within its
// ten seconds, and phones lose nothing. Both are of production, which serves on
// for SHUTDOWN_DELAY: a connection that only the kernel has accepted when the
// listener closes would be cut.
func TestServerThatDrains(t *testing.T) { //nolint:paralleltest // each wants the machine for itself
	const connections, each = 200, 24 // an account may have 32
	s := home(t)
	f := newFamily(t, s)
	production := []string{"APP_ENV=production", "PUBLIC_URL=https://luxbff.example"}
	leaving, taking := start(t, s, production...), start(t, s, production...)
	proxy, err := subscriptiontest.NewProxy(leaving.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	phones := follow(t, s, f, proxy.URL(), 3)
	idle := idlers(t, s, leaving.URL, connections-each, each)
	ctx, stop := context.WithCancel(context.Background())
	var uploading sync.WaitGroup
	defer uploading.Wait()
	defer stop()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 4 {
		uploading.Go(func() {
			for ctx.Err() == nil {
				_ = f.upload(context.WithoutCancel(ctx), client, proxy.URL(), 1) // a failure is remembered
			}
		})
	}
	testutil.WaitFor(t, "the uploads are under way", func() bool { return len(f.acknowledged()) >= 100 })

	proxy.SetTarget(taking.Addr) // as a balancer does before it ends a server
	leaving.Terminate(t)
	hints := map[time.Duration]bool{}
	for _, feed := range idle {
		how := endOf(t, feed)
		if how.Retry <= 0 || how.Code != 0 && how.Code != 1001 {
			t.Errorf("a connection is told %v", how)
		}
		hints[how.Retry] = true
	}
	if len(hints) < len(idle)/2 {
		t.Errorf("%d connections are told to come back at %d different times", len(idle), len(hints))
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
	phones.drain(t, s, f)
	for _, one := range phones.all {
		ends := one.Ends()
		if ends["1001"]+ends["retry"]+ends["GOING_AWAY"] != 1 || len(ends) != 1 {
			t.Errorf("%s: the server ended it: %v", one.Request.Transport, ends)
		}
	}
}

// idlers connects n phones that only listen, of as many accounts as that takes.
func idlers(t *testing.T, s *apptest.Server, url string, n, each int) []*subscriptiontest.Subscription {
	t.Helper()
	var token string
	var feeds []*subscriptiontest.Subscription
	for i := range n {
		if i%each == 0 {
			token, _ = s.Parent(t)
		}
		transport := subscriptiontest.Transports()[i%4]
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
