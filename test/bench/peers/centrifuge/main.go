// Command centrifuge is a server of the library under Centrifugo: each account has a
// channel, to which its sockets subscribe. The benchmarks of luxbff start it; nothing
// else uses it. What it does about memory is what the library offers for many idle
// sockets: small buffers, shared ones for writes, and a read loop on a small stack.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/centrifugal/centrifuge"
)

func main() {
	addr := flag.String("addr", "", "where to listen")
	flag.Parse()
	if err := run(*addr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(addr string) error {
	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		return err
	}
	node.OnConnecting(func(_ context.Context, e centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{Credentials: &centrifuge.Credentials{UserID: e.Token}}, nil
	})
	node.OnConnect(func(client *centrifuge.Client) {
		client.OnSubscribe(func(e centrifuge.SubscribeEvent, reply centrifuge.SubscribeCallback) {
			if e.Channel != client.UserID() {
				reply(centrifuge.SubscribeReply{}, centrifuge.ErrorPermissionDenied)
				return
			}
			reply(centrifuge.SubscribeReply{}, nil)
		})
	})
	if err := node.Run(); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /connection", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
		ReadBufferSize: 256, UseWriteBufferPool: true, ProcessCommandsOffReadLoop: true,
	}))
	mux.HandleFunc("POST /publish/{channel}", func(w http.ResponseWriter, r *http.Request) {
		_, err := node.Publish(r.PathValue("channel"), []byte(`{"cursor":"1","change":"COMPLETED","devlog":{"id":"1","status":"COMPLETE"}}`))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	// The same as luxbff's benchmark does before it reads the resident memory.
	mux.HandleFunc("POST /collect", func(http.ResponseWriter, *http.Request) {
		for range 4 {
			runtime.GC()
		}
		debug.FreeOSMemory()
	})
	mux.HandleFunc("GET /ready", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}
