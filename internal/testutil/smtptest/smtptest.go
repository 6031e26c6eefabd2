// Package smtptest is a mail server for tests, on loopback. It speaks as much of SMTP as
// a client needs to hand over a mail, keeps what it was given, and gives the replies that
// the test asks for. It imports nothing of the project.
package smtptest

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"
)

// Server is a mail server.
type Server struct {
	// Addr is its host and port.
	Addr string
	// CertificatePEM is the certificate that a client has to trust.
	CertificatePEM []byte

	tls *tls.Config // nil: it offers no STARTTLS

	mu      sync.Mutex
	replies map[string][]string
	mails   []Mail
	hasNew  chan struct{}
}

// Mail is a mail that was accepted.
type Mail struct {
	From, To  string
	Encrypted bool
	// Login is what came with AUTH, as it came.
	Login string
	Raw   string
}

// Encryption is how a server speaks TLS.
type Encryption int

// None is a server in the clear, STARTTLS one that offers it, and Implicit one that speaks
// TLS from the first byte. Their certificate is for localhost and 127.0.0.1.
const (
	None Encryption = iota
	STARTTLS
	Implicit
)

// Start starts a server that ends with the test.
func Start(t *testing.T, encryption Encryption) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Addr: listener.Addr().String(), replies: map[string][]string{}, hasNew: make(chan struct{}, 100)}
	var implicit *tls.Config
	switch encryption {
	case STARTTLS:
		s.CertificatePEM, s.tls = certificate(t)
	case Implicit:
		s.CertificatePEM, implicit = certificate(t)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if implicit != nil {
				conn = tls.Server(conn, implicit)
			}
			serving.Go(func() { s.serve(conn, implicit != nil) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return s
}

// Reply has the next commands that begin with verb (MAIL, RCPT, DATA, AUTH, QUIT, or "."
// for the end of a mail) answered so, one reply each.
func (s *Server) Reply(verb string, replies ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies[verb] = append(s.replies[verb], replies...)
}

// Mails are those that were accepted so far.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// Next waits for a mail that was accepted since the call before.
func (s *Server) Next() Mail {
	<-s.hasNew
	mails := s.Mails()
	return mails[len(mails)-1]
}

// serve speaks with one client.
func (s *Server) serve(conn net.Conn, encrypted bool) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	got := Mail{Encrypted: encrypted}
	in := bufio.NewReader(conn)
	say := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
	say("220 stand-in")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " ")
		switch reply := s.scripted(verb); {
		case reply == "hang up":
			return
		case reply != "":
			say(reply)
			continue
		}
		switch verb {
		case "EHLO":
			if s.tls != nil && !got.Encrypted {
				say("250-stand-in\r\n250 STARTTLS")
				continue
			}
			say("250-stand-in\r\n250 AUTH PLAIN")
		case "STARTTLS":
			say("220 go ahead")
			encrypted := tls.Server(conn, s.tls)
			conn, in, got.Encrypted = encrypted, bufio.NewReader(encrypted), true
		case "AUTH":
			got.Login = strings.TrimSpace(line)
			say("235 welcome")
		case "MAIL":
			got.From = address(line)
			say("250 ok")
		case "RCPT":
			got.To = address(line)
			say("250 ok")
		case "DATA":
			say("354 go ahead")
			got.Raw = readMail(in)
			reply := s.scripted(".")
			if reply == "hang up" || reply == "" || reply[0] == '2' {
				s.keep(got)
			}
			if reply == "hang up" {
				return
			}
			if reply == "" {
				reply = "250 accepted"
			}
			say(reply)
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (s *Server) scripted(verb string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.replies[verb]) == 0 {
		return ""
	}
	reply := s.replies[verb][0]
	s.replies[verb] = s.replies[verb][1:]
	return reply
}

func (s *Server) keep(got Mail) {
	s.mu.Lock()
	s.mails = append(s.mails, got)
	s.mu.Unlock()
	s.hasNew <- struct{}{}
}

func address(line string) string {
	_, rest, _ := strings.Cut(line, "<")
	found, _, _ := strings.Cut(rest, ">")
	return found
}

func readMail(in *bufio.Reader) string {
	var raw strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			return raw.String()
		}
		raw.WriteString(strings.TrimPrefix(line, "."))
	}
}

// Parts gives the headers of the mail, and its text and HTML as a mail program shows them.
func (m Mail) Parts(t *testing.T) (header mail.Header, text, html string) {
	t.Helper()
	parsed, err := mail.ReadMessage(strings.NewReader(m.Raw))
	if err != nil {
		t.Fatalf("%v in\n%s", err, m.Raw)
	}
	_, boundary, _ := strings.Cut(parsed.Header.Get("Content-Type"), "boundary=")
	parts := multipart.NewReader(parsed.Body, strings.Trim(boundary, `"`))
	for {
		part, err := parts.NextRawPart()
		if err != nil {
			return parsed.Header, text, html
		}
		content, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			html = string(content)
		} else {
			text = string(content)
		}
	}
}

// certificate makes one for localhost that vouches for itself.
func certificate(t *testing.T) ([]byte, *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "stand-in"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		&tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}
