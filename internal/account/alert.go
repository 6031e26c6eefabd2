package account

import (
	"context"
	"errors"

	entmessage "luxbff/ent/message"
	"luxbff/internal/apperr"
	"luxbff/internal/message"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

const impedanceText = "An electrode of the device has poor contact with the skin. Please check how it is worn."

// SendImpedanceAlert sends the viewer an Alimtalk that an electrode has poor
// contact (LUX device page, "Send Device Impedance Error Notification").
// Errors: PhoneNotFound, AlimtalkSendFailed, TooManyRequests.
func (s *Service) SendImpedanceAlert(ctx context.Context, v viewer.Viewer) error {
	if v.User.Phone == nil {
		return apperr.PhoneNotFound.New()
	}
	if err := s.limits.Message(ctx, *v.User.Phone, ""); err != nil {
		return err
	}
	// The message is a row of the outbox: it goes out after the commit, and survives
	// a restart.
	err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		id := v.RootUserID()
		return s.outbox.Enqueue(ctx, tx, message.Message{
			Channel: entmessage.ChannelAlimtalk, Purpose: entmessage.PurposeImpedanceAlert, To: *v.User.Phone, Text: impedanceText, RootUserID: &id,
		})
	})
	if errors.Is(err, message.ErrNoSender) {
		return apperr.AlimtalkSendFailed.Wrap(err)
	}
	return err
}
