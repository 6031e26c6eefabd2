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

// An app asks for every device that its radio finds, of which many may be strange to the
// catalogue; a family's, and those in a clinic's waiting room, are fewer than this. Whoever
// tries ids through gets 8,640 a day of a replica.
func perUniqueIDAccount() limit { return limit{"unique-id", 120, 10 * time.Second} }

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

// UniqueID counts a try of an account to find a device by its unique id, which shows the
// serial code and the MAC of one that nobody has. It is counted beforehand as [Limiter.Device]
// does; the caller calls refund where there is such a device. Errors: TooManyRequests.
func (l *Limiter) UniqueID(rootUserID int) (refund func(), err error) {
	return l.reserveToken(perUniqueIDAccount(), strconv.Itoa(rootUserID))
}
