package tracing_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"luxbff/server/tracing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestNoTracerAllocatesNothing holds that a program without a collector allocates
// nothing for spans.
func TestNoTracerAllocatesNothing(t *testing.T) { //nolint:paralleltest // allocations are counted for the whole process
	tracer, err := tracing.Start(t.Context(), "")
	if err != nil || tracer != nil {
		t.Fatalf("without an address: %v, %v", tracer, err)
	}
	ctx, header := t.Context(), http.Header{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}
	allocated := testing.AllocsPerRun(100, func() {
		ctx, endRequest := tracer.StartRequest(ctx, header)
		ctx, endOperation := tracer.StartOperation(ctx, "query", "Home")
		ctx, endAction := tracer.StartAction(ctx, "me")
		ctx, endWrite := tracer.StartWrite(ctx)
		tracer.RecordStatement(ctx, "SELECT 1", time.Second, false)
		endWrite("")
		endAction("")
		endOperation("")
		endRequest("GET", "/", 200)
	})
	if allocated != 0 {
		t.Errorf("%v allocations", allocated)
	}
	if err := tracer.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestRefusesAMalformedAddress(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1:4318", "grpc://127.0.0.1:4317", "http://", "http://a b"} {
		if tracer, err := tracing.Start(t.Context(), address); err == nil {
			t.Errorf("%q is taken: %v", address, tracer.Close(t.Context()))
		}
	}
}

func TestTraceIDIsEmptyWithoutATrace(t *testing.T) {
	t.Parallel()
	if id := tracing.TraceID(context.Background()); id != "" {
		t.Errorf("the trace of nothing is %q", id)
	}
}
