package tracing

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"luxbff/internal/httpclient"
)

// What the specification of OTLP over HTTP leaves to the sender.
const (
	// firstRetry is doubled with each refusal, up to longestRetry. The processor of spans
	// gives an attempt with all its retries up by its own limit, OTEL_BSP_EXPORT_TIMEOUT.
	firstRetry   = 5 * time.Second
	longestRetry = 30 * time.Second
	// maxAnswer bounds what is read of a collector's answer.
	maxAnswer = 64 << 10
)

// collectorClient posts spans to a collector, by OTLP over HTTP in protobuf. It is what
// otlptracehttp does, which cannot be had without gRPC and its gateway: 100 packages, of
// which no call was ever made.
type collectorClient struct {
	client   *http.Client
	address  string
	headers  http.Header
	compress bool
	// stopped ends with Stop, and then every request under way.
	stopped context.Context
	stop    context.CancelFunc
}

func newCollectorClient(address string, s settings) *collectorClient {
	client := httpclient.New(s.timeout)
	client.Transport = s.transport
	stopped, stop := context.WithCancel(context.Background())
	return &collectorClient{client: client, address: address, headers: s.headers, compress: s.compress, stopped: stopped, stop: stop}
}

// Start has nothing to do: the first request connects.
func (*collectorClient) Start(context.Context) error { return nil }

// Stop interrupts what is under way.
func (c *collectorClient) Stop(context.Context) error {
	c.stop()
	c.client.CloseIdleConnections()
	return nil
}

// UploadTraces sends spans, again and again while the collector asks for that, until ctx
// ends or Stop is called.
func (c *collectorClient) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	body, err := c.encode(spans)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.stopped, cancel)() //nolint:contextcheck // Stop ends what the caller's context does not
	for wait := firstRetry; ; wait = min(2*wait, longestRetry) {
		asked, err := c.post(ctx, body)
		var refused refusedError
		if err == nil || !errors.As(err, &refused) || !refused.forNow() {
			return err
		}
		if waitErr := waitFor(ctx, max(asked, wait/2+rand.N(wait/2))); waitErr != nil {
			return err
		}
	}
}

// encode relies on TracesData being on the wire what the collector's request is, whose
// own package brings gRPC in.
func (c *collectorClient) encode(spans []*tracepb.ResourceSpans) ([]byte, error) {
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil || !c.compress {
		return body, err
	}
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, err = writer.Write(body)
	if err := errors.Join(err, writer.Close()); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

// post sends the spans once. A refusal is a refusedError, and asked is how long the
// collector wants to be left alone.
func (c *collectorClient) post(ctx context.Context, body []byte) (asked time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header = c.headers.Clone()
	request.Header.Set("Content-Type", "application/x-protobuf")
	if c.compress {
		request.Header.Set("Content-Encoding", "gzip")
	}
	response, err := c.client.Do(request)
	if err != nil {
		return 0, httpclient.WithoutAddress(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return httpclient.RetryAfter(response, time.Now()), refusedError{response.StatusCode} //nolint:forbidigo // a date of the collector's is compared with this machine's clock
	}
	if err != nil {
		return 0, err
	}
	if response.Header.Get("Content-Type") != "application/x-protobuf" {
		return 0, nil
	}
	return 0, partialSuccess(answer)
}

func waitFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refusedError is a status that is no success.
type refusedError struct{ status int }

func (e refusedError) Error() string {
	return fmt.Sprintf("the collector answers %d %s", e.status, http.StatusText(e.status))
}

// forNow is whether the specification has the same spans be sent again.
func (e refusedError) forNow() bool {
	switch e.status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// The fields of ExportTraceServiceResponse and its ExportTracePartialSuccess.
const (
	fieldPartialSuccess protowire.Number = 1
	fieldRejectedSpans  protowire.Number = 1
	fieldErrorMessage   protowire.Number = 2
)

// partialSuccess is an error for an answer that says how many spans were not taken, or
// warns of something.
func partialSuccess(answer []byte) error {
	partial, _ := field(answer, fieldPartialSuccess)
	_, rejected := field(partial, fieldRejectedSpans)
	message, _ := field(partial, fieldErrorMessage)
	if rejected == 0 && len(message) == 0 {
		return nil
	}
	return fmt.Errorf("the collector left out %d spans: %q", rejected, message)
}

// field gives the last field of the number in a message, by its kind, and zero for one
// that is not there or can't be read.
func field(message []byte, number protowire.Number) (content []byte, value uint64) {
	for len(message) > 0 {
		found, kind, length := protowire.ConsumeField(message)
		if length < 0 {
			return nil, 0
		}
		if found == number {
			_, _, tag := protowire.ConsumeTag(message)
			switch kind {
			case protowire.BytesType:
				content, _ = protowire.ConsumeBytes(message[tag:])
			case protowire.VarintType:
				value, _ = protowire.ConsumeVarint(message[tag:])
			}
		}
		message = message[length:]
	}
	return content, value
}
