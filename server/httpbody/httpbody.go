// Package httpbody reads the bodies of requests as HTTP clients send them: plain or
// compressed with gzip or zstd, with or without a byte order mark, of a length that is known
// before or found at the end. It knows nothing of what a body says.
package httpbody

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"luxbff/internal/apperr"
)

// AcceptedEncoding is what a response to an encoding that cannot be read names in its
// Accept-Encoding header (RFC 9110, section 12.5.3).
const AcceptedEncoding = "gzip, zstd"

const byteOrderMark = "\xef\xbb\xbf"

// maxDiscarded is how much of a body that is refused is read and thrown away, in
// bytes. Many clients read no response before they have sent all, and take a connection
// that is closed meanwhile for an error of the network: they would send the same again.
const maxDiscarded = 16 << 20

// ReadInto reads the body of a request into an empty buffer, of at most limit bytes
// both as it was sent and as it is after decompression.
//
// Errors: PayloadTooLarge; UnsupportedMediaType for a Content-Encoding other than gzip and
// zstd, or of several; BadRequest for a body that is broken or breaks off.
func ReadInto(buffer *bytes.Buffer, r *http.Request, limit int64) error {
	if r.ContentLength == 0 {
		return nil // whatever the headers say of it
	}
	coding, err := contentCoding(r.Header)
	if err != nil {
		return err
	}
	if r.ContentLength > limit {
		return tooLarge(r)
	}
	sent := &io.LimitedReader{R: r.Body, N: limit + 1}
	switch coding {
	case gzipCoding:
		_, err = buffer.ReadFrom(io.LimitReader(&inflater{compressed: sent}, limit+1))
	case zstdCoding:
		err = readZstd(buffer, sent, limit)
	default:
		_, err = buffer.ReadFrom(sent)
	}
	switch {
	case int64(buffer.Len()) > limit || sent.N == 0 || errors.Is(err, zstd.ErrDecoderSizeExceeded):
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

const (
	gzipCoding = "gzip"
	zstdCoding = "zstd"
)

// contentCoding gives the one coding with which the body is compressed, empty for none.
// Some clients name the charset where the compression belongs.
func contentCoding(header http.Header) (coding string, err error) {
	for named := range strings.SplitSeq(strings.Join(header.Values("Content-Encoding"), ","), ",") {
		var known string
		switch strings.ToLower(strings.TrimSpace(named)) {
		case "", "identity", "utf-8", "utf8":
			continue
		case "gzip", "x-gzip":
			known = gzipCoding
		case "zstd":
			known = zstdCoding
		}
		if known == "" || coding != "" {
			return "", apperr.UnsupportedMediaType.New()
		}
		coding = known
	}
	return coding, nil
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

// maxWindow is how far back an archive of zstd may refer: RFC 9659 allows no more over HTTP.
const maxWindow = 8 << 20

// zstdDecoders are kept because each takes 20 KB, which is most of what reading a body takes.
var zstdDecoders = sync.Pool{New: func() any {
	// An error would be that of an option.
	decoder, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecodeAllCapLimit(true))
	return decoder
}}

// zstdMagic begins every archive.
const zstdMagic = "\x28\xb5\x2f\xfd"

// readZstd decompresses from one buffer into the other, so that an archive takes no memory
// for the window that it claims, and never more than the limit. An archive that says how
// long its text is takes as much as that.
func readZstd(buffer *bytes.Buffer, sent io.Reader, limit int64) error {
	decoder := zstdDecoders.Get().(*zstd.Decoder)
	defer zstdDecoders.Put(decoder)
	var archive bytes.Buffer
	if _, err := archive.ReadFrom(sent); err != nil {
		return err
	}
	if 0 < archive.Len() && archive.Len() < len(zstdMagic) {
		return io.ErrUnexpectedEOF // for which the decoder reads nothing at all
	}
	size := limit + 1
	var first zstd.Header
	if err := first.Decode(archive.Bytes()); err == nil && first.HasFCS && first.FrameContentSize <= uint64(limit) { //nolint:gosec // no limit is negative
		size = int64(first.FrameContentSize) //nolint:gosec // at most the limit
	}
	err := decodeZstd(decoder, buffer, archive.Bytes(), size)
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) && size <= limit { // there is a second archive behind the first
		err = decodeZstd(decoder, buffer, archive.Bytes(), limit+1)
	}
	return err
}

// decodeZstd leaves the buffer empty unless the whole text fits: the decoder sees that a text
// is too long when the block that makes it so, of up to 128 KB, is already behind it.
func decodeZstd(decoder *zstd.Decoder, buffer *bytes.Buffer, archive []byte, size int64) error {
	buffer.Grow(int(size))
	text, err := decoder.DecodeAll(archive, buffer.AvailableBuffer()[:0:size])
	if err != nil {
		return err
	}
	buffer.Write(text)
	return nil
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
