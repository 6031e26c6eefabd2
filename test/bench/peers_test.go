package bench_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"luxbff/internal/auth/token"
	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/storetest"
)

// BenchmarkPocketBase compares the program with the same product on PocketBase, a process
// each: the home screen beside the list of the account's children with their device and
// the account expanded, and an upload beside the creation of a record. PocketBase checks
// the token and evaluates a rule, as the program does; it does not sync on commit, keeps
// no number of the device's last log and tells nobody.
func BenchmarkPocketBase(b *testing.B) {
	database := storetest.SQLiteURL(b)
	all := seed(b, database, uploadPhones)
	program := startProgram(b, database)
	peer, accounts := startPocketBase(b, len(all))

	b.Run("home", func(b *testing.B) {
		ours := connect(b, program.address, homeConnections, tokensOf(all), "POST /graphql", homeBody(b), homeWanted)
		var theirs []*connection
		for at := range homeConnections {
			one := dial(b, peer.address, homeWanted)
			for i := range accounts {
				one.requests = append(one.requests, newRequest("GET /api/collections/children/records?expand=root,device&skipTotal=1",
					accounts[(at+i)%len(accounts)].Token, ""))
			}
			theirs = append(theirs, one)
		}
		turns(b, program, peer, homeRound,
			func(b *testing.B) spent { return runRound(b, ours) },
			func(b *testing.B) spent { return runRound(b, theirs) })
	})
	b.Run("upload", func(b *testing.B) {
		ours := newUploads(b, all, 1)
		var theirs []*connection
		for _, one := range accounts {
			ours.connections = append(ours.connections, dial(b, program.address, homeWanted))
			record := dial(b, peer.address, `"id"`)
			record.requests = [][]byte{newRequest("POST /api/collections/devlogs/records", one.Token, string(mustJSON(map[string]any{
				"child": one.Child, "device": one.Device, "treatmentDate": "2025-02-14T15:48:49", "finishFlag": "BUTTON_SHUTDOWN",
				"lastIntensity": 25, "treatmentTime": 3600, "logFileId": 8,
			})))}
			theirs = append(theirs, record)
		}
		each := uploadsOfARound(1)
		turns(b, program, peer, each*len(all), ours.run, func(b *testing.B) spent { return runRequests(b, theirs, each) })
	})
}

// pocketAccount is what the peer prints of each account.
type pocketAccount struct{ Token, Child, Device string }

func startPocketBase(b *testing.B, accounts int) (*server, []pocketAccount) {
	b.Helper()
	address := processtest.FreeAddr(b)
	serve := exec.CommandContext(b.Context(), build(b, "peers/pocketbase"),
		"-data", b.TempDir(), "-addr", address, "-accounts", strconv.Itoa(accounts))
	printed, err := os.CreateTemp(b.TempDir(), "accounts")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = printed.Close() })
	serve.Stdout = printed
	peer := startServer(b, serve, address, "/api/health")
	text, err := os.ReadFile(printed.Name())
	if err != nil {
		b.Fatal(err)
	}
	made := make([]pocketAccount, accounts)
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	for i := range made {
		if err := decoder.Decode(&made[i]); err != nil {
			b.Fatal(err)
		}
	}
	return peer, made
}

// BenchmarkMercurius compares the home screen on PostgreSQL with a GraphQL server of Node:
// both answer the same document to the same tokens from the same rows.
func BenchmarkMercurius(b *testing.B) {
	database := storetest.PostgresURL(b)
	all := seed(b, database, homeParents)
	program := startProgram(b, database, "NATS_URL="+os.Getenv("LUXBFF_TEST_NATS_URL"))
	install := exec.CommandContext(b.Context(), "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
	install.Dir = "peers/mercurius"
	run(b, install)
	keys, err := token.ParseKeys(processtest.TokenKeys())
	if err != nil {
		b.Fatal(err)
	}
	address := processtest.FreeAddr(b)
	_, port, _ := net.SplitHostPort(address)
	serve := exec.CommandContext(b.Context(), "node", "server.js")
	serve.Dir = "peers/mercurius"
	serve.Env = append(os.Environ(), "NODE_ENV=production", "PORT="+port, "DATABASE_URL="+database, "JWKS="+string(keys.JWKS()))
	peer := startServer(b, serve, address, "/ready")

	ours := connect(b, program.address, homeConnections, tokensOf(all), "POST /graphql", homeBody(b), homeWanted)
	theirs := connect(b, peer.address, homeConnections, tokensOf(all), "POST /graphql", homeBody(b), homeWanted)
	turns(b, program, peer, homeRound,
		func(b *testing.B) spent { return runRound(b, ours) },
		func(b *testing.B) spent { return runRound(b, theirs) })
}

// BenchmarkCentrifuge measures on the library under Centrifugo what BenchmarkFeed measures
// on the program: what an idle subscription costs, and how long a publication takes to the
// last of an account's 32 sockets. It stores nothing.
func BenchmarkCentrifuge(b *testing.B) {
	const sockets, crowd = 10_000, 32
	address := processtest.FreeAddr(b)
	peer := startServer(b, exec.CommandContext(b.Context(), build(b, "peers/centrifuge"), "-addr", address), address, "/ready")
	arrivals := make(chan time.Time, crowd)
	for i := range crowd {
		listen(b, peer, fmt.Sprint("first", i), nil) // fill what all share
	}
	post(b, peer.url+"/collect")
	before := peer.residentMB(b)
	for i := range sockets {
		listen(b, peer, fmt.Sprint("account", i), nil)
	}
	b.Run("memory", func(b *testing.B) {
		beforeGC := peer.residentMB(b)
		post(b, peer.url+"/collect")
		after := 0.0
		for b.Loop() {
			after = peer.residentMB(b)
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric((beforeGC-before)*1024/sockets, "KB-before-GC/socket")
		b.ReportMetric((after-before)*1024/sockets, "KB/socket")
	})
	for range crowd {
		listen(b, peer, "crowd", arrivals)
	}
	b.Run("account="+strconv.Itoa(crowd), func(b *testing.B) {
		var took []time.Duration
		for b.Loop() {
			post(b, peer.url+"/publish/crowd")
			published, last := time.Now(), time.Time{}
			for range crowd {
				if at := <-arrivals; at.After(last) {
					last = at
				}
			}
			took = append(took, max(0, last.Sub(published)))
		}
		b.ReportMetric(quantile(took, 0.5), "ms-push-median")
		b.ReportMetric(quantile(took, 0.99), "ms-push-p99")
	})
}

// listen subscribes a socket to the channel of an account, in centrifuge's JSON protocol.
func listen(b *testing.B, on *server, account string, arrivals chan<- time.Time) {
	b.Helper()
	dialer := websocket.Dialer{ReadBufferSize: 256, WriteBufferSize: 256}
	conn, response, err := dialer.DialContext(b.Context(), "ws"+strings.TrimPrefix(on.url, "http")+"/connection", nil)
	if err != nil {
		b.Fatal(err)
	}
	_ = response.Body.Close()
	ended := make(chan struct{})
	b.Cleanup(func() { _ = conn.Close(); <-ended })
	for _, command := range []string{
		`{"id":1,"connect":{"token":"` + account + `"}}`,
		`{"id":2,"subscribe":{"channel":"` + account + `"}}`,
	} {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(command)); err != nil {
			b.Fatal(err)
		}
		if _, data, err := conn.ReadMessage(); err != nil || strings.Contains(string(data), `"error"`) {
			b.Fatalf("%s: %s %v", command, data, err)
		}
	}
	go func() {
		defer close(ended)
		for {
			_, data, err := conn.ReadMessage()
			switch {
			case err != nil:
				return
			case string(data) == "{}": // its ping
				_ = conn.WriteMessage(websocket.TextMessage, data)
			case arrivals != nil:
				arrivals <- time.Now()
			}
		}
	}()
}
