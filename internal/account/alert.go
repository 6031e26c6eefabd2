package account

import (
	"context"
	"errors"

	entmessage "luxbff/ent/message"
	"luxbff/internal/apperr"
	"luxbff/internal/message"
	"luxbff/internal/message/template"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

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
	m, err := s.texts.Message(entmessage.ChannelAlimtalk, entmessage.PurposeImpedanceAlert, *v.User.Phone, template.Korean, nil)
	if err != nil {
		return err
	}
	id := v.RootUserID()
	m.RootUserID = &id
	// The message is a row of the outbox: it goes out after the commit, and survives
	// a restart.
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return s.outbox.Enqueue(ctx, tx, m)
	})
	if errors.Is(err, message.ErrNoSender) {
		return apperr.AlimtalkSendFailed.Wrap(err)
	}
	return err
}
