package natsbus

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// CheckURL says what is wrong with an address of NATS. The error repeats nothing
// of it, because it may hold a password.
func CheckURL(addresses string) error {
	for i, address := range strings.Split(addresses, ",") {
		if err := checkOne(strings.TrimSpace(address)); err != nil {
			return fmt.Errorf("NATS_URL: address %d %w", i+1, err)
		}
	}
	return nil
}

func checkOne(address string) error {
	parsed, err := url.Parse(address)
	switch {
	case err != nil:
		return errors.New("can't be read as a URL")
	case parsed.Scheme != "nats" && parsed.Scheme != "tls":
		return errors.New("must begin with nats:// or tls://")
	case parsed.Hostname() == "":
		return errors.New("names no host")
	case parsed.Port() != "" && !isPort(parsed.Port()):
		return errors.New("has a port that is none")
	case strings.Trim(parsed.Path, "/") != "" || parsed.RawQuery != "" || parsed.Fragment != "":
		return errors.New("must end after host and port")
	}
	return nil
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}
