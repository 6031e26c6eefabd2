package ratelimit

import (
	"strconv"
	"time"
)

// The last four digits of a MAC have 65,536 values. At one wrong guess in five minutes a
// replica takes 227 days for all of them, whoever guesses. An account that goes from one
// serial code to the next is bound by a bucket of its own.
func perDevice() limit        { return limit{"device", 10, 5 * time.Minute} }
func perDeviceAccount() limit { return limit{"device-account", 20, 5 * time.Minute} }

// Device counts a try of an account to name a device by its serial code and its MAC. The
// try is counted before anybody looks whether it is right, so that many at a time do not
// pass; the caller calls refund where it was right. A serial code that no device has is
// counted as any other, so that the limit does not tell them apart. Errors:
// TooManyRequests, also for a try that would be right.
func (l *Limiter) Device(rootUserID int, serialCode string) (refund func(), err error) {
	refundAccount, err := l.reserveToken(perDeviceAccount(), strconv.Itoa(rootUserID))
	if err != nil {
		return nil, err
	}
	refundDevice, err := l.reserveToken(perDevice(), serialCode)
	if err != nil {
		refundAccount()
		return nil, err
	}
	return func() {
		refundAccount()
		refundDevice()
	}, nil
}
