// Package httpbody reads the bodies of requests as HTTP clients send them: plain or
// compressed with gzip, with or without a byte order mark, of a length that is known
// before or found at the end. It knows nothing of what a body says.
package httpbody

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"

	"luxbff/internal/apperr"
)

// AcceptedEncoding is what a response to an encoding that cannot be read names in its
// Accept-Encoding header (RFC 9110, section 12.5.3).
const AcceptedEncoding = "gzip"

const byteOrderMark = "\xef\xbb\xbf"

// maxDiscarded is how much of a body that is refused is read and thrown away, in
// bytes. Many clients read no response before they have sent all, and take a connection
// that is closed meanwhile for an error of the network: they would send the same again.
const maxDiscarded = 16 << 20

// ReadInto reads the body of a request into an empty buffer, of at most limit bytes
// both as it was sent and as it is after decompression.
//
// Errors: PayloadTooLarge; UnsupportedMediaType for a Content-Encoding other than gzip;
// BadRequest for a body that is broken or breaks off.
func ReadInto(buffer *bytes.Buffer, r *http.Request, limit int64) error {
	if r.ContentLength == 0 {
		return nil // whatever the headers say of it
	}
	isCompressed, err := isGzip(r.Header)
	if err != nil {
		return err
	}
	if r.ContentLength > limit {
		return tooLarge(r)
	}
	sent := &io.LimitedReader{R: r.Body, N: limit + 1}
	var text io.Reader = sent
	if isCompressed {
		text = &inflater{compressed: sent}
	}
	read, err := buffer.ReadFrom(io.LimitReader(text, limit+1))
	switch {
	case read > limit || sent.N == 0:
		return tooLarge(r)
	case err != nil:
		return apperr.BadRequest.Wrap(err)
	}
	if bytes.HasPrefix(buffer.Bytes(), []byte(byteOrderMark)) {
		buffer.Next(len(byteOrderMark))
	}
	return nil
}

// Skip reads a body that nobody asks for and throws it away. Errors: PayloadTooLarge for
// more than limit bytes.
func Skip(r *http.Request, limit int64) error {
	if r.ContentLength > limit {
		return tooLarge(r)
	}
	// A body that breaks off has said as little as one that is whole.
	if skipped, _ := io.CopyN(io.Discard, r.Body, limit+1); skipped > limit {
		return tooLarge(r)
	}
	return nil
}

// isGzip reports whether the body is compressed with gzip, once. Some clients name the
// charset where the compression belongs.
func isGzip(header http.Header) (compressed bool, err error) {
	for coding := range strings.SplitSeq(strings.Join(header.Values("Content-Encoding"), ","), ",") {
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "", "identity", "utf-8", "utf8":
		case "gzip", "x-gzip":
			if compressed {
				return false, apperr.UnsupportedMediaType.New()
			}
			compressed = true
		default:
			return false, apperr.UnsupportedMediaType.New()
		}
	}
	return compressed, nil
}

// inflater decompresses. A client that names gzip for a body that it doesn't send has
// sent nothing, which is no broken archive.
type inflater struct {
	compressed io.Reader
	reader     *gzip.Reader
}

// Read implements io.Reader.
func (i *inflater) Read(p []byte) (n int, err error) {
	if i.reader == nil {
		if i.reader, err = gzip.NewReader(i.compressed); err != nil {
			return 0, err // io.EOF for an empty body
		}
	}
	return i.reader.Read(p)
}

func tooLarge(r *http.Request) error {
	Discard(r)
	return apperr.PayloadTooLarge.New()
}

// Discard reads what is left of a body and throws it away, up to a bound, so that a
// client which sends all before it reads anything receives the error that is to follow.
// A client that waits for 100 Continue has sent nothing, and will send nothing.
func Discard(r *http.Request) {
	if r.Header.Get("Expect") == "" {
		// Whoever hung up meanwhile reads no response.
		_, _ = io.CopyN(io.Discard, r.Body, maxDiscarded)
	}
}
