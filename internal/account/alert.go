package account

import (
	"context"
	"errors"

	"luxbff/ent/message"
	"luxbff/internal/fault"
	"luxbff/internal/notify"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

const impedanceText = "An electrode of the device has poor contact with the skin. Please check how it is worn."

// SendImpedanceAlert tells the viewer by Alimtalk that an electrode has poor
// contact (LUX device page, "Send Device Impedance Error Notification"). Errors:
// PhoneNotFound, AlimtalkSendFailed.
func (s *Service) SendImpedanceAlert(ctx context.Context, v viewer.Viewer) error {
	if v.User.Phone == nil {
		return fault.PhoneNotFound.Err()
	}
	err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		id := v.RootUserID()
		return s.outbox.Enqueue(ctx, tx, notify.Message{
			Channel: message.ChannelAlimtalk, To: *v.User.Phone, Text: impedanceText, RootUserID: &id,
		})
	})
	if errors.Is(err, notify.ErrNoSender) {
		return fault.AlimtalkSendFailed.Because(err)
	}
	return err
}
