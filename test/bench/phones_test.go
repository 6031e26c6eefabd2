package bench_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// phonesEnv makes the test binary the process of the phones.
const phonesEnv = "LUXBFF_BENCH_PHONES"

// runPhones is the process of the phones. It reads its configuration and then one
// command a line, and ends with its input.
func runPhones() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<30)
	in.Scan()
	var config phonesConfig
	must(json.Unmarshal(in.Bytes(), &config))
	arrivals := make([]chan time.Time, len(config.Tokens))
	sockets := make([]int, len(config.Tokens))
	for in.Scan() {
		command, number, _ := strings.Cut(in.Text(), " ")
		phone, err := strconv.Atoi(number)
		must(err)
		if strings.HasSuffix(command, "connect-all") {
			printResult(connectAll(config, phone, command == "reconnect-all"))
			continue
		}
		if command == "upload" {
			_, _ = fmt.Fprintln(os.Stdout, upload(config, phone, arrivals[phone], sockets[phone]))
			continue
		}
		if arrivals[phone] == nil {
			arrivals[phone] = make(chan time.Time, 32)
		}
		sockets[phone]++
		go recordArrivals(subscribe(config.URL, config.Tokens[phone]), arrivals[phone])
		_, _ = fmt.Fprintln(os.Stdout, "connected")
	}
}

func mustJSON(value any) []byte {
	data, err := json.Marshal(value)
	must(err)
	return data
}

func must(err error) {
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const feedQuery = `subscription DevlogStatus($after: String) { devlogStatus(after: $after) { cursor change occurredAt devlog { id status } device { id lastLogFileId } } }`

func subscribe(url, token string) *websocket.Conn {
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, ReadBufferSize: 256, WriteBufferSize: 256}
	conn, response, err := dialer.DialContext(context.Background(), "ws"+strings.TrimPrefix(url, "http")+"/graphql", nil)
	must(err)
	must(response.Body.Close())
	must(conn.WriteJSON(map[string]any{"type": "connection_init", "payload": map[string]string{"Authorization": "Bearer " + token}}))
	_, _, err = conn.ReadMessage()
	must(err)
	must(conn.WriteJSON(map[string]any{"type": "subscribe", "id": "1", "payload": map[string]string{"query": feedQuery}}))
	return conn
}

// recordArrivals sends the time at which each event arrives. ReadMessage answers pings
// by itself.
func recordArrivals(conn *websocket.Conn, arrivals chan<- time.Time) {
	for {
		_, data, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if bytes.Contains(data, []byte(`"next"`)) {
			arrivals <- time.Now()
		}
	}
}

// upload uploads, and gives the milliseconds from the response to the last of the
// events on the account's sockets; 0 if that came before the response.
func upload(config phonesConfig, phone int, arrivals <-chan time.Time, sockets int) float64 {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, config.URL+"/graphql", strings.NewReader(config.Uploads[phone]))
	must(err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+config.Tokens[phone])
	response, err := http.DefaultClient.Do(r)
	must(err)
	_, err = io.Copy(io.Discard, response.Body)
	must(err)
	must(response.Body.Close())
	answered, last := time.Now(), time.Time{}
	for range sockets {
		if at := <-arrivals; at.After(last) {
			last = at
		}
	}
	return max(0, float64(last.Sub(answered).Microseconds())/1000)
}
