package apperr_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"luxbff/internal/apperr"
)

// stateError stands for an error of PostgreSQL, whose text quotes what was sent.
type stateError struct{ text string }

func (e stateError) Error() string  { return e.text }
func (stateError) SQLState() string { return "23505" }

// quoting gives errors of libraries that quote the value.
func quoting(value string) []error {
	_, number := strconv.Atoi(value)
	_, moment := time.Parse(time.DateOnly, value)
	_, address := url.Parse("http://" + value + "/%zz")
	_, mailbox := mail.ParseAddress(value)
	return []error{
		number, moment, address, mailbox,
		json.Unmarshal([]byte(`{"`+value+`": `), &struct{}{}),
		&url.Error{Op: "Get", URL: "https://provider.example/me?access_token=" + value, Err: io.EOF},
		&net.DNSError{Err: "no such host", Name: value},
		&os.PathError{Op: "open", Path: value, Err: syscall.ENOENT},
		stateError{"Key (email)=(" + value + ") already exists"},
		errors.New("554 no mailbox " + value),
		errors.New(value + " is not a valid Gender"),
		fmt.Errorf("to %s: %w", value, io.EOF),
		fmt.Errorf("%q: %w", value, io.EOF),
	}
}

// TestDescribeRepeatsNothingThatWasSent wraps errors that quote a value, in all the ways
// that errors are wrapped.
func TestDescribeRepeatsNothingThatWasSent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`[a-z]{3,8}(@[a-z]{3,8}\.example|[0-9]{2,6})`).Draw(t, "value")
		errs := quoting(value)
		err := rapid.SampledFrom(errs).Draw(t, "error")
		for range rapid.IntRange(0, 4).Draw(t, "depth") {
			switch rapid.IntRange(0, 3).Draw(t, "wrap") {
			case 0:
				err = fmt.Errorf("find device: %w", err)
			case 1:
				err = errors.Join(err, rapid.SampledFrom(errs).Draw(t, "other"))
			case 2:
				err = apperr.BadRequest.Wrap(err)
			default:
				err = fmt.Errorf("%w (after: %w)", err, io.EOF)
			}
		}
		if err == nil {
			return
		}
		if text := apperr.Describe(err); strings.Contains(text, value) || text == "" {
			t.Fatalf("%q becomes %q", err, text)
		}
		if text := apperr.DescribePanic(err); strings.Contains(text, value) {
			t.Fatalf("a panic with %q becomes %q", err, text)
		}
		if text := apperr.DescribePanic(err.Error()); text != "string" {
			t.Fatalf("a panic with the text %q becomes %q", err, text)
		}
	})
}

// TestDescribeSaysWhatAnOperatorNeeds compares what is left of errors that the program
// makes itself, or that name no values.
func TestDescribeSaysWhatAnOperatorNeeds(t *testing.T) {
	t.Parallel()
	_, number := strconv.Atoi("x")
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{fmt.Errorf("find device: %w", fmt.Errorf("read: %w", sql.ErrNoRows)), "find device: read: sql: no rows in result set"},
		{apperr.BadRequest.Wrap(apperr.Text("a required parameter is missing")), "INVALID_REQUEST_OR_MISSING_PARAMETERS: a required parameter is missing"},
		{apperr.BadRequest.New(), "INVALID_REQUEST_OR_MISSING_PARAMETERS"},
		{errors.Join(io.EOF, net.ErrClosed), "EOF; use of closed network connection"},
		{&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, "*net.OpError: *os.SyscallError: connection refused"},
		{fmt.Errorf("take the unique id: %w", stateError{"Key (email)=(x)"}), "take the unique id: apperr_test.stateError: SQLSTATE 23505"},
		{fmt.Errorf("parse: %w", number), "parse: *strconv.NumError: *errors.errorString"},
		{errors.New("sql: database is closed"), "sql: database is closed"},
	} {
		if got := apperr.Describe(c.err); got != c.want {
			t.Errorf("%v becomes %q, want %q", c.err, got, c.want)
		}
	}
	var row []int
	beyond := len(row)
	defer func() {
		if got := apperr.DescribePanic(recover()); !strings.Contains(got, "index out of range") {
			t.Errorf("a panic of the runtime becomes %q", got)
		}
	}()
	_ = row[beyond]
}
