package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/message"
	"luxbff/internal/message/template"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

const (
	// alertPause is how long an alert stands: a contact that comes and goes makes no further
	// one meanwhile.
	alertPause = time.Minute
	// korea is the calling code of the phones that Alimtalk reaches.
	korea = "+82"
)

// SendImpedanceAlert tells the viewer's phone that an electrode has poor contact (LUX device
// page, "Send Device Impedance Error Notification"): by Alimtalk where the account has it
// enabled and the phone is Korean, else by SMS. Within a minute after an alert it does
// nothing more, as that one stands. Errors: PhoneNotFound, AlimtalkSendFailed,
// TooManyRequests.
func (s *Service) SendImpedanceAlert(ctx context.Context, v viewer.Viewer) error {
	if v.User.Phone == nil {
		return apperr.PhoneNotFound.New()
	}
	// Asked before the limits as well: an app that calls again and again uses none of the
	// account's other messages up.
	if isRecent, err := s.hasRecentAlert(ctx, s.store.Read(), v.RootUserID()); isRecent || err != nil {
		return err
	}
	if err := s.limits.Message(ctx, *v.User.Phone, ""); err != nil {
		return err
	}
	return s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		// Two calls at once, on any replicas, come one after the other.
		u, err := auth.LockUser(ctx, tx, v.RootUserID())
		if err != nil {
			return err
		}
		if u.Phone == nil {
			return apperr.PhoneNotFound.New()
		}
		if isRecent, err := s.hasRecentAlert(ctx, tx.Client, u.ID); isRecent || err != nil {
			return err
		}
		channel, language := alertChannel(u)
		m, err := s.texts.Message(channel, entmessage.PurposeImpedanceAlert, *u.Phone, language, nil)
		if err != nil {
			return err
		}
		m.RootUserID = &u.ID
		// The message is a row of the outbox: it goes out after the commit, and survives a
		// restart.
		err = s.outbox.Enqueue(ctx, tx, m)
		if errors.Is(err, message.ErrNoSender) {
			return apperr.AlimtalkSendFailed.Wrap(err)
		}
		return err
	})
}

// alertChannel is how an alert goes out. Alimtalk is Korean for everybody, because Kakao has
// approved one text.
func alertChannel(u *ent.User) (entmessage.Channel, template.Language) {
	if u.IsDeviceAlimTalkEnabled && strings.HasPrefix(*u.Phone, korea) {
		return entmessage.ChannelAlimtalk, template.Korean
	}
	return entmessage.ChannelSms, template.LanguageOf(u.NationalCode, u.Phone)
}

func (s *Service) hasRecentAlert(ctx context.Context, client *ent.Client, rootUserID int) (bool, error) {
	has, err := client.Message.Query().
		Where(
			entmessage.RootUserID(rootUserID),
			entmessage.PurposeEQ(entmessage.PurposeImpedanceAlert),
			entmessage.CreatedAtGT(s.now().Add(-alertPause)),
			// One from a clock that was set back since must not silence alerts until then.
			entmessage.CreatedAtLT(s.now().Add(alertPause)),
		).
		Exist(ctx)
	if err != nil {
		return false, fmt.Errorf("find a recent alert: %w", err)
	}
	return has, nil
}
