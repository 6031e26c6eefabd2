//go:build replicas

package e2e_test

import (
	"os"
	"os/exec"
	"testing"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/clustertest"
	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/storetest"
	"luxbff/server/app"
)

// cluster is three equal replicas in production, processes of their own, on one
// PostgreSQL and one NATS, behind a load balancer.
type cluster struct {
	settings []string
	replicas []*server
	balancer *clustertest.Balancer
	// home is one more replica, inside the test and in development. It has senders of
	// messages, so that accounts can sign up there and codes can be read.
	home *apptest.Server
}

// startCluster starts a cluster on the NATS server at the URL, or on the one that
// .ci/run has started if the URL is empty.
func startCluster(t *testing.T, nats string) *cluster {
	t.Helper()
	if nats == "" {
		nats = os.Getenv("LUXBFF_TEST_NATS_URL")
	}
	database := storetest.PostgresURL(t)
	c := &cluster{balancer: clustertest.NewBalancer(t), settings: []string{
		"APP_ENV=production", "PUBLIC_URL=https://luxbff.example.com", "NATS_URL=" + nats, "DATABASE_POOL=3",
	}}
	c.home = apptest.Start(t, func(cfg *app.Config) {
		cfg.DatabaseURL, cfg.TokenKeys, cfg.NATSURL, cfg.DatabasePool = database, processtest.TokenKeys(), nats, 2
	})
	for range 3 {
		replica := start(t, c.command(t))
		c.replicas = append(c.replicas, replica)
		c.balancer.Add(t, replica.URL)
	}
	return c
}

// command runs the program with the settings of a replica.
func (c *cluster) command(t *testing.T) *exec.Cmd {
	t.Helper()
	serve := processtest.Command(t, c.home.App.Config.DatabaseURL)
	serve.Env = append(serve.Env, c.settings...)
	return serve
}

// replace starts another process at the address of a replica that has ended.
func (c *cluster) replace(t *testing.T, i int) {
	t.Helper()
	serve := c.command(t)
	serve.Env = append(serve.Env, "ADDR="+c.replicas[i].Addr)
	c.replicas[i] = start(t, serve)
	testutil.WaitFor(t, "the balancer sees the new process", func() bool { return c.balancer.IsReady(c.replicas[i].URL) })
}
